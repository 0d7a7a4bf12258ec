package pretrain

import (
	"context"
	"math/rand/v2"

	"engram/data/scenes"
	"engram/embed/grad"
	"engram/embed/nn"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/tokenizer"
)

// Leaves of the graphs.
const (
	bytesName   = "bytes"   // [B, S, S, 3], pictures as they are drawn
	idsName     = "ids"     // [B, context]
	meaningName = "meaning" // [B], scenes.Scene.Meaning
	pixelsName  = "pixels"  // [n, 3, S, S]
)

// Files of the CLIP's model.
const (
	imageFile      = "image.onnx"
	textFile       = "text.onnx"
	vocabularyFile = "words.txt"
)

// clipNetwork is the CLIP in training.
type clipNetwork struct {
	rt         *ort.Runtime
	shape      CLIPShape
	recipe     Recipe
	seed       uint64
	words      []string
	vocabulary *tokenizer.Vocabulary // of words
	held       int
}

func (c *clipNetwork) loss(n *nn.Net, batch int) *grad.Node {
	size := c.shape.ImageSize
	pixels := fromBytes(n.Graph().Step(bytesName, onnx.Uint8, batch, size, size, 3))
	image := c.shape.image(n, pixels)
	global := grad.Reshape(grad.Slice(image, 1, 0, 1), batch, c.shape.Dim)
	text := c.shape.text(n, n.Graph().Step(idsName, onnx.Int64, batch, c.shape.Context))
	return contrast(global, text, c.shape.scale(n), n.Graph().Step(meaningName, onnx.Int64, batch))
}

// inputs draws the scenes of an epoch and picks one caption of each.
func (c *clipNetwork) inputs(ctx context.Context, epoch int) (ort.Tensors, error) {
	n := c.recipe.Steps * c.recipe.Batch
	b, err := draw(ctx, source{c.seed, scenes.Train, c.shape.ImageSize}, epoch*n, n)
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(c.seed, uint64(epoch)))
	ids, meanings := make([]int64, n*c.shape.Context), make([]int64, n)
	for i := range b.scenes {
		captions := b.scenes[i].Captions()
		c.vocabulary.Encode(ids[i*c.shape.Context:][:c.shape.Context], captions[rng.IntN(len(captions))])
		meanings[i] = int64(b.scenes[i].Meaning())
	}
	steps, batch := int64(c.recipe.Steps), int64(c.recipe.Batch)
	return ort.Tensors{
		bytesName:   b.steps(c.recipe.Batch),
		idsName:     {Shape: []int64{steps, batch, int64(c.shape.Context)}, Data: ids},
		meaningName: {Shape: []int64{steps, batch}, Data: meanings},
	}, nil
}

func (c *clipNetwork) export(values map[string][]float32) (map[string][]byte, error) {
	size := c.shape.ImageSize
	image, text := newNet(), newNet()
	tokens := c.shape.image(image, image.Graph().Data(pixelsName, onnx.Float, grad.Batch, 3, size, size))
	embedding := c.shape.text(text, text.Graph().Data(idsName, onnx.Int64, grad.Batch, c.shape.Context))
	return exportFiles(values, map[string]map[string]*grad.Node{
		imageFile: {"tokens": tokens}, textFile: {"embedding": embedding},
	})
}
