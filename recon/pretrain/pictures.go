package pretrain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"engram/data/scenes"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/pixels"
)

// preprocess is how pictures become the models' input: 0…255 becomes -1…1.
// Pictures of the models' size stay as they are; others are resized as Pillow
// does with antialiasing.
func preprocess() *model.Preprocess {
	half := [3]float64{.5, .5, .5}
	return &model.Preprocess{
		Filter: string(pixels.Bilinear), Antialias: true, Crop: string(pixels.Center),
		Range: [2]float64{0, 1}, Mean: half, Std: half,
	}
}

// worldFingerprint returns a hash of a few scenes of a seed, so that a training
// does not go on with scenes that another version of the program draws or
// describes in another way.
func worldFingerprint(seed uint64) string {
	const few, size = 16, 32
	sum, world := sha256.New(), scenes.New(seed)
	picture := make([]uint8, 3*size*size)
	for i := range uint64(few) {
		s := world.Scene(scenes.Train, i)
		s.DrawRGB(picture, size)
		sum.Write(picture)
		fmt.Fprintln(sum, s.Captions())
	}
	fmt.Fprintln(sum, scenes.Vocabulary())
	return hex.EncodeToString(sum.Sum(nil))
}

// sceneBatch are scenes with their pictures.
type sceneBatch struct {
	scenes []scenes.Scene
	size   int
	bytes  []uint8 // [n, S, S, 3]
}

// draw composes and draws the scenes first…first+n-1, on all processors.
func draw(ctx context.Context, source source, first, n int) (*sceneBatch, error) {
	world, size := scenes.New(source.seed), source.size
	b := &sceneBatch{scenes: make([]scenes.Scene, n), size: size, bytes: make([]uint8, n*3*size*size)}
	work, ctx := errgroup.WithContext(ctx)
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		work.Go(func() error {
			for i := w; i < n && ctx.Err() == nil; i += workers {
				b.scenes[i] = world.Scene(source.split, uint64(first+i))
				b.scenes[i].DrawRGB(b.bytes[i*3*size*size:][:3*size*size], size)
			}
			return ctx.Err()
		})
	}
	return b, work.Wait()
}

// source says which scenes are drawn.
type source struct {
	seed  uint64
	split scenes.Split
	size  int // pixels a side
}

// steps returns the pictures as a Step input of batches of size batch.
func (b *sceneBatch) steps(batch int) *ort.Tensor {
	n, s := int64(len(b.scenes)/batch), int64(b.size)
	return &ort.Tensor{Shape: []int64{n, int64(batch), s, s, 3}, Data: b.bytes}
}

// images returns the pictures as decoded images.
func (b *sceneBatch) images() []*pixels.Image {
	out := make([]*pixels.Image, len(b.scenes))
	for i := range out {
		out[i] = &pixels.Image{W: b.size, H: b.size, Pix: b.bytes[i*3*b.size*b.size:][:3*b.size*b.size]}
	}
	return out
}

// floats returns the pictures as the models see them: [n, 3, S, S] in -1…1.
func (b *sceneBatch) floats() []float32 {
	area := b.size * b.size
	out := make([]float32, len(b.bytes))
	for i := range b.scenes {
		for c := range 3 {
			for p := range area {
				out[(3*i+c)*area+p] = float32(b.bytes[3*(i*area+p)+c])/127.5 - 1
			}
		}
	}
	return out
}
