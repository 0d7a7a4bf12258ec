package pretrain

import (
	"context"
	"fmt"

	"engram/data/progress"
	"engram/data/scenes"
	"engram/embed"
	"engram/embed/ort"
)

// lastGalleries is how many galleries the last score is the mean of.
const lastGalleries = 10

// score measures text to image retrieval: each caption of a gallery's scenes
// asks for its picture. Other pictures that mean the same are right as well.
func (c *clipNetwork) score(ctx context.Context, models map[string][]byte, last bool) ([]progress.Figure, error) {
	image, err := session(c.rt, imageFile, models[imageFile])
	if err != nil {
		return nil, err
	}
	defer image.Close()
	text, err := session(c.rt, textFile, models[textFile])
	if err != nil {
		return nil, err
	}
	defer text.Close()
	galleries := 1
	if last {
		galleries = lastGalleries
	}
	var top1, top5 float64
	for g := range galleries {
		b, err := draw(ctx, source{c.seed, scenes.Test, c.shape.ImageSize}, g*c.held, c.held)
		if err != nil {
			return nil, err
		}
		ranks, err := c.ranks(ctx, image, text, b)
		if err != nil {
			return nil, err
		}
		for _, r := range ranks {
			if r < 1 {
				top1 += 1 / float64(len(ranks)*galleries)
			}
			if r < 5 {
				top5 += 1 / float64(len(ranks)*galleries)
			}
		}
	}
	return []progress.Figure{
		{Name: fmt.Sprintf("text to image, top 1 of %d", c.held), Value: top1},
		{Name: fmt.Sprintf("text to image, top 5 of %d", c.held), Value: top5},
	}, nil
}

// ranks returns for each caption of a gallery how many pictures that mean
// something else are at least as near to it as the nearest right one.
func (c *clipNetwork) ranks(ctx context.Context, image, text *ort.Session, b *sceneBatch) ([]int, error) {
	size, length := int64(b.size), int64(c.shape.Context)
	tokens, err := infer(ctx, image, b.floats(), 3, size, size)
	if err != nil {
		return nil, err
	}
	var ids []int64
	for i := range b.scenes {
		for _, caption := range b.scenes[i].Captions() {
			row := make([]int64, length)
			c.vocabulary.Encode(row, caption)
			ids = append(ids, row...)
		}
	}
	embeddings, err := infer(ctx, text, ids, length)
	if err != nil {
		return nil, err
	}
	images := make([]embed.Vector, len(b.scenes))
	for i := range images {
		images[i] = tokens[i*c.shape.tokens()*c.shape.Dim:][:c.shape.Dim]
		if err := embed.Normalize(images[i]); err != nil {
			return nil, fmt.Errorf("pretrain: embedding of scene %d: %w", i, err)
		}
	}
	ranks := make([]int, len(embeddings)/c.shape.Dim)
	for q := range ranks {
		ranks[q] = rank(b.scenes, images, embeddings[q*c.shape.Dim:][:c.shape.Dim], q*len(b.scenes)/len(ranks))
	}
	return ranks, nil
}

// rank is ranks of one caption, which is of scene right.
func rank(list []scenes.Scene, images []embed.Vector, caption embed.Vector, right int) int {
	meaning := list[right].Meaning()
	similar := make([]float64, len(images))
	best := embed.Dot(images[right], caption)
	for i := range images {
		similar[i] = embed.Dot(images[i], caption)
		if list[i].Meaning() == meaning {
			best = max(best, similar[i])
		}
	}
	rank := 0
	for i, s := range similar {
		if s >= best && list[i].Meaning() != meaning {
			rank++
		}
	}
	return rank
}
