package pretrain

import (
	"context"

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
// would be judged too well by that CLIP. The judge has another world, other sizes,
// convolutions before its patches, and other first values. It is asked for kinds and
// settings alone, and learns from them alone: every picture of a batch is compared with
// the phrases of all kinds, and of all settings (see NOTES.md).
type judgeNetwork struct {
	clipNetwork
	groups []phrases
}

// phrases are texts that exclude each other, but for the kinds, of which a scene may have
// several.
type phrases struct {
	texts  []string
	weight float32                   // of the group in the loss
	of     func(*scenes.Scene) []int // the places of the texts that are right for a scene
}

// settingWeight is the weight of the settings in the loss. Where a picture was taken and
// when is seen at a glance.
const settingWeight = .2

// judgePhrases returns what a judge learns to tell apart. Weather says nothing indoors.
func judgePhrases() []phrases {
	all := scenes.Kinds()
	kinds := phrases{weight: 1, of: func(s *scenes.Scene) []int { return placesOf(all, s) }}
	for _, k := range all {
		kinds.texts = append(kinds.texts, k.Phrase())
	}
	where := phrases{weight: settingWeight, of: func(s *scenes.Scene) []int { return []int{int(s.Background)} }}
	for _, b := range scenes.Backgrounds() {
		where.texts = append(where.texts, b.Phrase())
	}
	when := phrases{weight: settingWeight, of: func(s *scenes.Scene) []int { return []int{int(s.Light)} }}
	for _, l := range scenes.Lights() {
		when.texts = append(when.texts, l.Phrase())
	}
	weather := phrases{weight: settingWeight, of: func(s *scenes.Scene) []int {
		if s.Background.Indoors() {
			return nil
		}
		return []int{int(s.Weather)}
	}}
	for _, w := range scenes.Weathers() {
		weather.texts = append(weather.texts, w.Phrase())
	}
	return []phrases{kinds, where, when, weather}
}

// placesOf returns the places of the kinds that are in a scene.
func placesOf(kinds []scenes.Kind, s *scenes.Scene) (places []int) {
	for i, k := range kinds {
		if s.Shows(k) {
			places = append(places, i)
		}
	}
	return places
}

// texts returns all phrases, group by group.
func (j *judgeNetwork) texts() (all []string) {
	for _, g := range j.groups {
		all = append(all, g.texts...)
	}
	return all
}

// encoded returns the words of texts, [len(texts), context].
func (j *judgeNetwork) encoded(texts []string) []int64 {
	ids := make([]int64, len(texts)*j.shape.Context)
	for i, text := range texts {
		j.vocabulary.Encode(ids[i*j.shape.Context:][:j.shape.Context], text)
	}
	return ids
}

// loss is the sum over the groups of the cross-entropy between the softmax over the group's
// phrases and the right ones in equal shares: the picture half of the CLIP's loss with all
// phrases for texts.
func (j *judgeNetwork) loss(n *nn.Net, batch int) *grad.Node {
	g, size := n.Graph(), j.shape.ImageSize
	image := j.shape.image(n, fromBytes(g.Step(bytesName, onnx.Uint8, batch, size, size, 3)))
	global := grad.Reshape(grad.Slice(image, 1, 0, 1), batch, j.shape.Dim)
	texts := j.texts()
	text := j.shape.text(n, g.Ints(j.encoded(texts), len(texts), j.shape.Context))
	logits := grad.Mul(grad.MatMulT(grad.Unit(global), grad.Unit(text)), j.shape.scale(n))
	right := g.Step(fitsName, onnx.Float, batch, len(texts))
	var sum *grad.Node
	from := 0
	for _, group := range j.groups {
		to := from + len(group.texts)
		likely := grad.LogSoftmax(grad.Slice(logits, 1, from, to))
		loss := grad.Scale(grad.Mean(grad.Sum(grad.Mul(grad.Slice(right, 1, from, to), likely), 1)), -group.weight)
		if from = to; sum == nil {
			sum = loss
			continue
		}
		sum = grad.Add(sum, loss)
	}
	return sum
}

// inputs draws the scenes of an epoch and says which phrases are right for each.
func (j *judgeNetwork) inputs(ctx context.Context, epoch int) (ort.Tensors, error) {
	n, batch := j.recipe.Steps*j.recipe.Batch, j.recipe.Batch
	b, err := draw(ctx, source{j.seed, scenes.Train, j.shape.ImageSize}, epoch*n, n)
	if err != nil {
		return nil, err
	}
	width := len(j.texts())
	right := make([]float32, n*width)
	for i := range b.scenes {
		at := i * width
		for _, group := range j.groups {
			places := group.of(&b.scenes[i])
			for _, p := range places {
				right[at+p] = 1 / float32(len(places))
			}
			at += len(group.texts)
		}
	}
	return ort.Tensors{
		bytesName: b.steps(batch),
		fitsName:  {Shape: []int64{int64(j.recipe.Steps), int64(batch), int64(width)}, Data: right},
	}, nil
}

// score is how often the nearest of all kinds is in a held-out picture, and how often the
// nearest of all backgrounds is its own.
func (j *judgeNetwork) score(ctx context.Context, models map[string][]byte, last bool) ([]progress.Figure, error) {
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
	held := j.held
	if last {
		held *= lastGalleries
	}
	b, err := draw(ctx, source{j.seed, scenes.Test, j.shape.ImageSize}, 0, held)
	if err != nil {
		return nil, err
	}
	size := int64(b.size)
	tokens, err := infer(ctx, image, b.floats(), 3, size, size)
	if err != nil {
		return nil, err
	}
	named := make([]float64, len(j.groups))
	for g, group := range j.groups[:2] {
		labels, err := infer(ctx, text, j.encoded(group.texts), int64(j.shape.Context))
		if err != nil {
			return nil, err
		}
		for i := range b.scenes {
			nearest := j.nearest(tokens[i*j.shape.tokens()*j.shape.Dim:], labels)
			for _, p := range group.of(&b.scenes[i]) {
				if p == nearest {
					named[g] += 1 / float64(held)
				}
			}
		}
	}
	return []progress.Figure{
		{Name: "the kind that is named is in the picture", Value: named[0]},
		{Name: "the background that is named is the picture's", Value: named[1]},
	}, nil
}

// nearest returns the place of the label, of which there are rows, that has the greatest cosine
// to a picture's first token.
func (j *judgeNetwork) nearest(tokens, labels []float32) int {
	d := j.shape.Dim
	best, at := 0., -1
	for k := range len(labels) / d {
		label := labels[k*d:][:d]
		if c := embed.Dot(tokens[:d], label) / embed.Norm(label); at < 0 || c > best {
			best, at = c, k
		}
	}
	return at
}
