package pretrain

import (
	"context"
	"math/rand/v2"

	"engram/data/progress"
	"engram/data/scenes"
	"engram/embed"
	"engram/embed/grad"
	"engram/embed/nn"
	"engram/embed/onnx"
	"engram/embed/ort"
)

// judgeSeed is what a judge adds to the seed: its world is one that no subject of a
// demo with a small seed looks at, and that no other model learns from.
const judgeSeed = 1_000_000

// judgeNetwork is a second CLIP, which judges reconstructions and takes no part in
// making or choosing them. A picture that was chosen because the first CLIP likes it
// would be judged too well by that CLIP. The judge has another world, other sizes and
// other first values. Half of its texts name a kind alone, such as "a zebra": a CLIP of
// captions names a kind in only half of the true pictures (see NOTES.md).
type judgeNetwork struct{ clipNetwork }

// bareShare is the percentage of the judge's texts that name a kind alone.
const bareShare = 50

// judgeWords returns a text for a scene, and which other scenes it is right for.
func judgeWords(s *scenes.Scene, rng *rand.Rand, number uint64) (text string, right func(*scenes.Scene) bool) {
	if rng.IntN(100) >= bareShare {
		return wordsFor(s, rng, number)
	}
	kind := s.Things[rng.IntN(len(s.Things))].Kind
	return kind.Phrase(), func(o *scenes.Scene) bool { return o.Shows(kind) }
}

func (j *judgeNetwork) loss(n *nn.Net, batch int) *grad.Node {
	g, size := n.Graph(), j.shape.ImageSize
	image := j.shape.image(n, fromBytes(g.Step(bytesName, onnx.Uint8, batch, size, size, 3)))
	global := grad.Reshape(grad.Slice(image, 1, 0, 1), batch, j.shape.Dim)
	text := j.shape.text(n, g.Step(idsName, onnx.Int64, batch, j.shape.Context))
	return contrastOf(global, text, j.shape.scale(n), g.Step(fitsName, onnx.Float, batch, batch))
}

// inputs draws the scenes of an epoch and gives each a text.
func (j *judgeNetwork) inputs(ctx context.Context, epoch int) (ort.Tensors, error) {
	n, batch := j.recipe.Steps*j.recipe.Batch, j.recipe.Batch
	b, err := draw(ctx, source{j.seed, scenes.Train, j.shape.ImageSize}, epoch*n, n)
	if err != nil {
		return nil, err
	}
	texts := texts{vocabulary: j.vocabulary, context: j.shape.Context, batch: batch, draw: judgeWords}
	ids, fits := texts.of(b.scenes, rand.New(rand.NewPCG(j.seed, uint64(epoch))), uint64(epoch))
	return ort.Tensors{bytesName: b.steps(batch), idsName: ids, fitsName: fits}, nil
}

// score is the CLIP's, and how often the nearest of all kinds is in the picture.
func (j *judgeNetwork) score(ctx context.Context, models map[string][]byte, last bool) ([]progress.Figure, error) {
	figures, err := j.clipNetwork.score(ctx, models, last)
	if err != nil {
		return nil, err
	}
	image, err := session(j.rt, imageFile, models[imageFile])
	if err != nil {
		return nil, err
	}
	defer image.Close()
	text, err := session(j.rt, textFile, models[textFile])
	if err != nil {
		return nil, err
	}
	defer text.Close()
	kinds := scenes.Kinds()
	ids := make([]int64, len(kinds)*j.shape.Context)
	for i, k := range kinds {
		j.vocabulary.Encode(ids[i*j.shape.Context:][:j.shape.Context], k.Phrase())
	}
	labels, err := infer(ctx, text, ids, int64(j.shape.Context))
	if err != nil {
		return nil, err
	}
	b, err := draw(ctx, source{j.seed, scenes.Test, j.shape.ImageSize}, 0, j.held)
	if err != nil {
		return nil, err
	}
	size := int64(b.size)
	tokens, err := infer(ctx, image, b.floats(), 3, size, size)
	if err != nil {
		return nil, err
	}
	d := j.shape.Dim
	var named float64
	for i := range b.scenes {
		global, best, at := tokens[i*j.shape.tokens()*d:][:d], 0., -1
		for k := range kinds {
			label := labels[k*d:][:d]
			if c := embed.Dot(global, label) / embed.Norm(label); at < 0 || c > best {
				best, at = c, k
			}
		}
		if b.scenes[i].Shows(kinds[at]) {
			named += 1 / float64(len(b.scenes))
		}
	}
	return append(figures, progress.Figure{Name: "the kind that is named is in the picture", Value: named}), nil
}
