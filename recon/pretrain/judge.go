package pretrain

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

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

// phrases are texts that exclude each other. Kinds do not: a scene may have several.
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
// phrases for texts. Patches on which a thing stands learn the phrase of its kind as well.
func (j *judgeNetwork) loss(n *nn.Net, batch int) *grad.Node {
	g, size := n.Graph(), j.shape.ImageSize
	pixels := fromBytes(g.Step(bytesName, onnx.Uint8, batch, size, size, 3))
	image := j.shape.image(n, softened(pixels, g.Step(blurName, onnx.Float, batch)))
	global := grad.Reshape(grad.Slice(image, 1, 0, 1), batch, j.shape.Dim)
	texts := j.texts()
	text := j.shape.text(n, g.Ints(j.encoded(texts), len(texts), j.shape.Context))
	scale := j.shape.scale(n)
	logits := grad.Mul(grad.MatMulT(grad.Unit(global), grad.Unit(text)), scale)
	right := g.Step(fitsName, onnx.Float, batch, len(texts))
	patches := grad.Reshape(grad.Slice(image, 1, 1, j.shape.tokens()), batch*(j.shape.tokens()-1), j.shape.Dim)
	kinds := grad.Slice(text, 0, 0, len(j.groups[0].texts))
	sum := j.places(grad.Mul(grad.MatMulT(grad.Unit(patches), grad.Unit(kinds)), scale), g.Step(placesName, onnx.Int64, batch*(j.shape.tokens()-1)))
	from := 0
	for _, group := range j.groups {
		to := from + len(group.texts)
		likely := grad.LogSoftmax(grad.Slice(logits, 1, from, to))
		sum = grad.Sub(sum, grad.Scale(grad.Mean(grad.Sum(grad.Mul(grad.Slice(right, 1, from, to), likely), 1)), group.weight))
		from = to
	}
	return sum
}

// placesName is the leaf that says which kind stands on each patch, [B·(T-1)], by its place
// among all kinds, or nothing.
const placesName = "places"

// nothing stands where no thing does.
const nothing = -1

// places is the mean cross-entropy of the patches on which a thing stands, whose logits over the
// kinds are [B·(T-1), kinds].
func (j *judgeNetwork) places(logits, kind *grad.Node) *grad.Node {
	g, patches, kinds := logits.Graph(), logits.Shape()[0], logits.Shape()[1]
	all := make([]int64, kinds)
	for i := range all {
		all[i] = int64(i)
	}
	right := grad.Equal(grad.Reshape(kind, patches, 1), g.Ints(all, 1, kinds))
	// The small number keeps a batch without a thing finite.
	count := grad.Add(grad.Sum(right), g.Const(1e-6))
	return grad.Neg(grad.Div(grad.Sum(grad.Mul(right, grad.LogSoftmax(logits))), count))
}

// standing writes for each of the patches of a scene which kind stands on it. A thing stands on
// the patch of its middle and on others whose middles lie in the inner part of its box; of
// several things the nearest counts.
func standing(s *scenes.Scene, kinds []scenes.Kind, side int, patches []int64) {
	const inner = .5
	for i := range patches {
		patches[i] = nothing
	}
	for _, t := range s.Things {
		kind := int64(slices.Index(kinds, t.Kind))
		for i := range patches {
			if within(t.Box, inner, side, i) {
				patches[i] = kind
			}
		}
	}
}

// within reports whether a patch of a picture of side × side patches has the middle of a box, or
// has its own middle in the inner part of the box, whose share of the box's side is inner.
func within(b scenes.Box, inner float64, side, patch int) bool {
	row, column := patch/side, patch%side
	x, y := b.Centre()
	at := func(x float64) int { return min(max(int(x*float64(side)), 0), side-1) }
	if row == at(y) && column == at(x) {
		return true
	}
	dx, dy := (float64(column)+.5)/float64(side)-x, (float64(row)+.5)/float64(side)-y
	return math.Abs(dx) < inner*b.Width/2 && math.Abs(dy) < inner*b.Height/2
}

// sharpShare is the share of the judge's pictures that stay as sharp as they are drawn. The others
// are blurred more or less, since reconstructions have soft edges, and a judge of sharp pictures
// alone would not know what it sees.
const sharpShare = .5

// blurName is the leaf that says how much each picture is blurred, [B], from 0 to 1.
const blurName = "blur"

// softened mixes pixels, [n, 3, S, S], with what is left of them after two passes of a binomial
// filter of 3×3, by share, [n].
func softened(pixels, share *grad.Node) *grad.Node {
	const channels, side = 3, 3
	filter := make([]float32, channels*channels*side*side)
	for c := range channels {
		for i, w := range [...]float32{1, 2, 1, 2, 4, 2, 1, 2, 1} {
			filter[(c*channels+c)*side*side+i] = w / 16
		}
	}
	kernels := pixels.Graph().Array(filter, channels, channels, side, side)
	soft := grad.Convolve(grad.Convolve(pixels, kernels), kernels)
	return grad.Add(pixels, grad.Mul(grad.Sub(soft, pixels), grad.Reshape(share, share.Shape()[0], 1, 1, 1)))
}

// inputs draws the scenes of an epoch and says which phrases are right for each.
func (j *judgeNetwork) inputs(ctx context.Context, epoch int) (ort.Tensors, error) {
	n, batch := j.recipe.Steps*j.recipe.Batch, j.recipe.Batch
	b, err := draw(ctx, source{j.seed, scenes.Train, j.shape.ImageSize}, epoch*n, n)
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(j.seed, uint64(epoch)))
	width := len(j.texts())
	right, blur := make([]float32, n*width), make([]float32, n)
	patches, kinds := j.shape.tokens()-1, scenes.Kinds()
	places := make([]int64, n*patches)
	for i := range b.scenes {
		if rng.Float64() >= sharpShare {
			blur[i] = rng.Float32()
		}
		standing(&b.scenes[i], kinds, j.shape.ImageSize/j.shape.Patch, places[i*patches:][:patches])
		at := i * width
		for _, group := range j.groups {
			of := group.of(&b.scenes[i])
			for _, p := range of {
				right[at+p] = 1 / float32(len(of))
			}
			at += len(group.texts)
		}
	}
	return ort.Tensors{
		bytesName:  b.steps(batch),
		blurName:   {Shape: []int64{int64(j.recipe.Steps), int64(batch)}, Data: blur},
		placesName: {Shape: []int64{int64(j.recipe.Steps), int64(batch * patches)}, Data: places},
		fitsName:   {Shape: []int64{int64(j.recipe.Steps), int64(batch), int64(width)}, Data: right},
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

// nearest returns the row of the label that has the greatest cosine to a picture's first
// token.
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
