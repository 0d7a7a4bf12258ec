package pretrain

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"

	"engram/data/scenes"
	"engram/embed"
	"engram/embed/clip"
	"engram/embed/grad"
	"engram/embed/model"
	"engram/embed/nn"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/tokenizer"
)

// Leaves of the text graph's training.
const (
	lockedName = "locked" // [B, D], global vectors of the frozen image graph
	fitsName   = "fits"   // [B, B], 1 where a picture (row) is what a text (column) asks for, else 0
)

// pool is how many epochs have scenes of their own. Later epochs see the same
// pictures with other texts, because drawing takes longer than training.
const pool = 16

// captionShare is the percentage of the texts that are captions; the others are
// short queries.
const captionShare = 40

// textNetwork is the text half of a CLIP, trained from the start against its
// image half, which stays as it is: locked-image tuning (Zhai et al. 2022, arXiv
// 2111.07991). The CLIP's own training shows it captions that tell everything
// about a scene; this one adds what people type, which leaves most things open.
type textNetwork struct {
	clipNetwork
	image     *clip.Encoder
	imageFile []byte

	mu     sync.Mutex
	locked map[int]*lockedScenes // of the epochs before pool
}

// lockedScenes are the scenes of an epoch as the frozen image graph sees them.
type lockedScenes struct {
	scenes  []scenes.Scene
	vectors []float32 // [n, D]
}

// openText opens the CLIP in out, whose text half is to be trained.
func (t *training) openText(scale Scale, out string) (_ *textNetwork, err error) {
	m, err := model.Open(filepath.Join(out, string(CLIP)))
	if err != nil {
		return nil, fmt.Errorf("pretrain: the text graph learns from the image graph of the clip: %w", err)
	}
	n := &textNetwork{clipNetwork: t.clipNetwork(scale.CLIP, scale.TextRecipe, scale.held), locked: map[int]*lockedScenes{}}
	if m.D != n.shape.Dim || m.ImageSize != n.shape.ImageSize {
		return nil, fmt.Errorf("pretrain: %s has %d dimensions and images of %d pixels, the scale %d and %d",
			m.Dir(), m.D, m.ImageSize, n.shape.Dim, n.shape.ImageSize)
	}
	if n.imageFile, err = os.ReadFile(m.GraphPath("image")); err != nil {
		return nil, fmt.Errorf("pretrain: %w", err)
	}
	if n.image, err = clip.Open(t.rt, m, clip.Options{Batch: scoreBatch}); err != nil {
		return nil, fmt.Errorf("pretrain: %w", err)
	}
	t.about.Depends = []string{m.Files[m.Graphs["image"].File]}
	t.start(n, n.shape, n.recipe)
	return n, nil
}

// Close frees the image graph.
func (n *textNetwork) Close() error { return n.image.Close() }

func (n *textNetwork) loss(net *nn.Net, batch int) *grad.Node {
	g := net.Graph()
	text := n.shape.text(net, g.Step(idsName, onnx.Int64, batch, n.shape.Context))
	image := g.Step(lockedName, onnx.Float, batch, n.shape.Dim)
	return contrastOf(image, text, n.shape.scale(net), g.Step(fitsName, onnx.Float, batch, batch))
}

// contrastOf is contrast where labels [images, texts] say which pairs are right;
// every row and every column has one that is.
func contrastOf(image, text, scale, right *grad.Node) *grad.Node {
	logits := grad.Mul(grad.MatMulT(grad.Unit(image), grad.Unit(text)), scale)
	towards := func(right, logits *grad.Node) *grad.Node {
		labels := grad.Div(right, grad.Reshape(grad.Sum(right, 1), right.Shape()[0], 1))
		return grad.Mean(grad.Sum(grad.Mul(labels, grad.LogSoftmax(logits)), 1))
	}
	both := grad.Add(towards(right, logits), towards(grad.Transpose(right, 1, 0), grad.Transpose(logits, 1, 0)))
	return grad.Scale(both, -.5)
}

// inputs gives each scene of an epoch a text: a caption or a short query.
func (n *textNetwork) inputs(ctx context.Context, epoch int) (ort.Tensors, error) {
	count, batch := n.recipe.Steps*n.recipe.Batch, n.recipe.Batch
	seen, err := n.lockedScenes(ctx, epoch%pool, count)
	if err != nil {
		return nil, err
	}
	texts := texts{vocabulary: n.vocabulary, context: n.shape.Context, batch: batch}
	ids, fits := texts.of(seen.scenes, rand.New(rand.NewPCG(n.seed, uint64(epoch))), uint64(epoch))
	return ort.Tensors{
		lockedName: {Shape: []int64{int64(n.recipe.Steps), int64(batch), int64(n.shape.Dim)}, Data: seen.vectors},
		idsName:    ids,
		fitsName:   fits,
	}, nil
}

// texts are what scenes are described by, in batches.
type texts struct {
	vocabulary     *tokenizer.Vocabulary
	context, batch int
}

// of gives each of an epoch's scenes a text: its words, [steps, batch, context], and which
// pictures of its batch (rows) each text (column) is right for, [steps, batch, batch].
func (t texts) of(all []scenes.Scene, rng *rand.Rand, number uint64) (ids, fits *ort.Tensor) {
	words, right := make([]int64, len(all)*t.context), make([]float32, len(all)*t.batch)
	for first := 0; first < len(all); first += t.batch {
		some := all[first:][:t.batch]
		for j := range some {
			text, fits := wordsFor(&some[j], rng, number)
			t.vocabulary.Encode(words[(first+j)*t.context:][:t.context], text)
			for i := range some {
				if i == j || fits(&some[i]) {
					right[(first+i)*t.batch+j] = 1
				}
			}
		}
	}
	steps, b := int64(len(all)/t.batch), int64(t.batch)
	return &ort.Tensor{Shape: []int64{steps, b, int64(t.context)}, Data: words}, &ort.Tensor{Shape: []int64{steps, b, b}, Data: right}
}

// wordsFor returns a text for a scene, and which other scenes it is right for.
func wordsFor(s *scenes.Scene, rng *rand.Rand, number uint64) (text string, right func(*scenes.Scene) bool) {
	if rng.IntN(100) < captionShare {
		captions, meaning := s.Captions(), s.Meaning()
		return captions[rng.IntN(len(captions))], func(o *scenes.Scene) bool { return o.Meaning() == meaning }
	}
	q := s.Query(number)
	return q.String(), q.Fits
}

// lockedScenes draws the scenes of an epoch, or finds those that were drawn.
func (n *textNetwork) lockedScenes(ctx context.Context, epoch, count int) (*lockedScenes, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if seen, ok := n.locked[epoch]; ok {
		return seen, nil
	}
	b, err := draw(ctx, source{n.seed, scenes.Train, n.shape.ImageSize}, epoch*count, count)
	if err != nil {
		return nil, err
	}
	vectors, err := n.image.Encode(ctx, b.images())
	if err != nil {
		return nil, err
	}
	n.locked[epoch] = &lockedScenes{b.scenes, flatten(vectors)}
	return n.locked[epoch], nil
}

// flatten returns vectors side by side.
func flatten(vectors []embed.Vector) []float32 {
	var all []float32
	for _, v := range vectors {
		all = append(all, v...)
	}
	return all
}

func (n *textNetwork) export(values map[string][]float32) (map[string][]byte, error) {
	net := newNet()
	embedding := n.shape.text(net, net.Graph().Data(idsName, onnx.Int64, grad.Batch, n.shape.Context))
	files, err := exportFiles(values, map[string]map[string]*grad.Node{textFile: {"embedding": embedding}})
	if err == nil {
		files[imageFile] = n.imageFile
	}
	return files, err
}
