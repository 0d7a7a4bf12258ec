package pretrain

import (
	"cmp"
	"context"
	"slices"

	"engram/data/progress"
	"engram/data/scenes"
	"engram/embed"
)

// galleryScale is how many times as many scenes the short queries are asked among
// as there are queries.
const galleryScale = 10

// score is the CLIP's, and measures short queries: how many of the nearest
// pictures are what they ask for.
func (n *textNetwork) score(ctx context.Context, models map[string][]byte, last bool) ([]progress.Figure, error) {
	figures, err := n.clipNetwork.score(ctx, models, last)
	if err != nil {
		return nil, err
	}
	text, err := session(n.rt, textFile, models[textFile])
	if err != nil {
		return nil, err
	}
	defer text.Close()
	b, err := draw(ctx, source{n.seed, scenes.Test, n.shape.ImageSize}, 0, galleryScale*n.held)
	if err != nil {
		return nil, err
	}
	images, err := n.image.Encode(ctx, b.images())
	if err != nil {
		return nil, err
	}
	queries := make([]scenes.Query, n.held)
	ids := make([]int64, n.held*n.shape.Context)
	for i := range queries {
		queries[i] = b.scenes[i].Query(0)
		n.vocabulary.Encode(ids[i*n.shape.Context:][:n.shape.Context], queries[i].String())
	}
	embeddings, err := infer(ctx, text, ids, int64(n.shape.Context))
	if err != nil {
		return nil, err
	}
	var first, ten float64
	for i, q := range queries {
		f, t := precision(q, b.scenes, images, embeddings[i*n.shape.Dim:][:n.shape.Dim])
		first, ten = first+f/float64(n.held), ten+t/float64(n.held)
	}
	return append(figures,
		progress.Figure{Name: "short query, the nearest picture fits", Value: first},
		progress.Figure{Name: "short query, share of the ten nearest that fit", Value: ten},
	), nil
}

// precision returns whether the nearest picture is what a query asks for, and the
// share of the ten nearest that are; of fewer where fewer are there.
func precision(q scenes.Query, all []scenes.Scene, images []embed.Vector, text embed.Vector) (first, ten float64) {
	order := make([]int, len(all))
	similar := make([]float64, len(all))
	fitting := 0
	for i := range all {
		order[i], similar[i] = i, embed.Dot(images[i], text)
		if q.Fits(&all[i]) {
			fitting++
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(similar[b], similar[a]) })
	most := min(10, fitting)
	for rank, i := range order[:most] {
		if !q.Fits(&all[i]) {
			continue
		}
		if rank == 0 {
			first = 1
		}
		ten += 1 / float64(most)
	}
	return first, ten
}
