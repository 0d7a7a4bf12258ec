package clip

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"engram/data/vfs"
	"engram/embed"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/pixels"
)

// ErrCanary reports a model that gives other vectors here than where it was made.
var ErrCanary = errors.New("the model gives other vectors here")

// The least cosines between the vectors of a canary and the ones that a model gives
// here. Below refused, an index that was built elsewhere would give other hits.
const (
	refused   = .99
	equalFP32 = .9999
	equalFP16 = .999 // ONNX Runtime rounds at other places on each processor
	equalINT8 = .999 // the instructions for int8 round differently by design
)

// CanaryImages returns the pictures of a canary, in its order. FORMAT.md of package
// model states them pixel by pixel, because other programs write canaries too.
func CanaryImages() []*pixels.Image {
	sizes := [][2]int{{96, 64}, {64, 96}, {80, 80}}
	images := make([]*pixels.Image, len(sizes))
	for k, size := range sizes {
		w, h := size[0], size[1]
		img := &pixels.Image{W: w, H: h, Pix: make([]byte, 0, 3*w*h)}
		for y := range h {
			for x := range w {
				r, g, b := 255*x/(w-1), 255*y/(h-1), 37*(x/8)+91*(y/8)*(k+1)+60*k
				switch {
				case k == 1:
					g = 255 - g
				case k == 2 && (x-40)*(x-40)+(y-40)*(y-40) < 625:
					r, g, b = 30, 200, 90
				}
				img.Pix = append(img.Pix, byte(r), byte(g), byte(b))
			}
		}
		images[k] = img
	}
	return images
}

// CanaryTexts returns the texts of a canary, in its order.
func CanaryTexts() []string {
	return []string{"a photo of a dog on a beach", "a red bicycle beside a wall", "snow on the mountains at night"}
}

// MakeCanary runs a model of kind clip or features on the pictures and texts of a
// canary. model.WriteCanary puts the result beside the model.
func MakeCanary(ctx context.Context, rt *ort.Runtime, m *model.Model, opts Options) (*model.Canary, error) {
	c := &model.Canary{Fingerprint: m.Fingerprint()}
	image, err := Open(rt, m, opts)
	if err != nil {
		return nil, err
	}
	defer image.Close()
	c.Machine = thisMachine(rt, image.Device())
	if c.Images, err = image.canary(ctx); err != nil {
		return nil, err
	}
	if _, ok := m.Graphs["text"]; !ok {
		return c, nil
	}
	text, err := OpenText(rt, m, opts)
	if err != nil {
		return nil, err
	}
	defer text.Close()
	c.Texts, err = text.canary(ctx)
	return c, err
}

// Tower is an Encoder or a TextEncoder.
type Tower interface {
	Model() *model.Model
	Device() string
	// canary returns the vectors of the pictures or texts of a canary.
	canary(ctx context.Context) ([][]float32, error)
	// stored returns the same vectors from a canary.
	stored(c *model.Canary) [][]float32
	// name is the name of the graph.
	name() string
}

func (e *Encoder) name() string                           { return "image" }
func (e *Encoder) stored(c *model.Canary) [][]float32     { return c.Images }
func (e *TextEncoder) name() string                       { return "text" }
func (e *TextEncoder) stored(c *model.Canary) [][]float32 { return c.Texts }

func (e *Encoder) canary(ctx context.Context) ([][]float32, error) {
	vectors, err := e.Encode(ctx, CanaryImages())
	rows := make([][]float32, len(vectors))
	for i, v := range vectors {
		rows[i] = v
	}
	return rows, err
}

func (e *TextEncoder) canary(ctx context.Context) ([][]float32, error) {
	texts := CanaryTexts()
	rows := make([][]float32, len(texts))
	for i, text := range texts {
		v, err := e.Encode(ctx, []string{text})
		if errors.Is(err, ErrNoWord) {
			rows[i] = []float32{}
			continue
		}
		if err != nil {
			return nil, err
		}
		rows[i] = v[0]
	}
	return rows, nil
}

// Agreement is what a check of a canary found.
type Agreement struct {
	Checked bool    // the graph was run
	Cosine  float64 // the least of the pictures or texts; 1 where nothing was run
	Warning string  // a sentence for the user, "" where the vectors agree
}

// CheckCanary runs a tower on the pictures or texts of its model's canary, where the
// canary is of another machine, version of ONNX Runtime, device or manifest than
// this one. A success is remembered in the folder memory, unless that is "", and not
// checked again. Vectors that differ so much that the indexes of other machines do
// not fit are an error, which wraps ErrCanary; a model of int8 is only warned of. A
// model without a canary agrees.
func CheckCanary(ctx context.Context, rt *ort.Runtime, t Tower, memory string) (Agreement, error) {
	agreed := Agreement{Cosine: 1}
	m := t.Model()
	c, err := m.Canary()
	if err != nil || c == nil {
		return agreed, err
	}
	here := thisMachine(rt, t.Device())
	if c.Machine == here && c.Fingerprint == m.Fingerprint() || len(t.stored(c)) == 0 {
		return agreed, nil
	}
	check, err := json.Marshal(canaryCheck{t.name(), m.Fingerprint(), here, c})
	if err != nil {
		return agreed, fmt.Errorf("clip: canary of %s: %w", m.Dir(), err)
	}
	done := filepath.Join(memory, fmt.Sprintf("%x", sha256.Sum256(check)))
	if _, err := os.Stat(done); memory != "" && err == nil {
		return agreed, nil
	}
	vectors, err := t.canary(ctx)
	if err != nil {
		return agreed, err
	}
	agreed.Checked, agreed.Cosine = true, leastCosine(t.stored(c), vectors)
	if err := agreed.judge(t, c, here); err != nil || agreed.Warning != "" || memory == "" {
		return agreed, err
	}
	// What cannot be remembered is checked again.
	if os.MkdirAll(memory, 0o755) == nil {
		_ = vfs.WriteFile(done, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%s of %s: cosine %.6f\n", t.name(), m.Name, agreed.Cosine)
			return err
		})
	}
	return agreed, nil
}

// canaryCheck is all that the outcome of a check depends on.
type canaryCheck struct {
	Tower       string
	Fingerprint string
	Here        model.Machine
	Canary      *model.Canary
}

// judge sets the warning, or returns an error where the model cannot be used.
func (a *Agreement) judge(t Tower, c *model.Canary, here model.Machine) error {
	m := t.Model()
	least := equalFP32
	switch m.Precision {
	case "fp16":
		least = equalFP16
	case "int8":
		least = equalINT8
	}
	if a.Cosine >= least {
		return nil
	}
	what := fmt.Sprintf("the %s graph of %s has cosine %.4f to the vectors that it gave when it was made, on %s; here it runs on %s",
		t.name(), m.Dir(), a.Cosine, describe(c.Machine), describe(here))
	if !(a.Cosine >= refused) && m.Precision != "int8" {
		return fmt.Errorf("clip: %s: %w, so that indexes of other machines do not fit it (if it was changed on purpose, delete its %s)", what, ErrCanary, model.CanaryName)
	}
	a.Warning = what
	return nil
}

// leastCosine returns the least cosine of vectors in the same place, -1 where one is
// missing on one side.
func leastCosine(a, b [][]float32) float64 {
	least := 1.0
	if len(a) != len(b) {
		return -1
	}
	for i := range a {
		switch {
		case len(a[i]) != len(b[i]):
			return -1
		case len(a[i]) > 0:
			least = min(least, cosine(a[i], b[i]))
		}
	}
	return least
}

// cosine returns the cosine similarity of two vectors, NaN where one has no
// direction.
func cosine(a, b []float32) float64 { return embed.Dot(a, b) / (embed.Norm(a) * embed.Norm(b)) }

// Drift returns the least cosine between the vectors of two models for the pictures
// and for the texts of a canary: how far the int8 form of a model is from its fp32
// form. ok is false where the two have not the same graphs and dimension.
func Drift(a, b *model.Canary) (image, text float64, ok bool) {
	same := func(x, y []float32) bool { return len(x) == len(y) }
	if !slices.EqualFunc(a.Images, b.Images, same) || !slices.EqualFunc(a.Texts, b.Texts, same) {
		return 0, 0, false
	}
	return leastCosine(a.Images, b.Images), leastCosine(a.Texts, b.Texts), true
}
