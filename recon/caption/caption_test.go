package caption_test

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/data/space"
	"engram/embed"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/scan"
	"engram/recon/caption"

	"gonum.org/v1/gonum/blas/blas32"
)

// hot embeds a caption as the words that it has, of these.
type hot struct{}

var things = [...]string{"zebra", "ball", "cow", "kite", "tree", "boat"}

func (hot) Encode(_ context.Context, texts []string) ([]embed.Vector, error) {
	out := make([]embed.Vector, len(texts))
	for i, text := range texts {
		out[i] = make(embed.Vector, len(things))
		for k, word := range things {
			if strings.Contains(text, word) {
				out[i][k] = 1
			}
		}
	}
	return out, nil
}

const voxels, repeats = 40, 3

var clip = space.Space{Name: "hot 1", Fingerprint: strings.Repeat("ab", 32)}

// seen returns scans of images with one or two things each: a random mixture of these with
// noise.
func seen(images int, noise float64) (d caption.Data, named []string) {
	rng := rand.New(rand.NewPCG(3, 4))
	mix := make([]float64, len(things)*voxels)
	for i := range mix {
		mix[i] = rng.NormFloat64()
	}
	d = caption.Data{Voxels: blas32.General{Cols: voxels, Stride: voxels}, Encoder: hot{}, Space: clip}
	for image := range images {
		a, b := rng.IntN(len(things)), rng.IntN(len(things))
		text := "a " + things[a]
		if a != b {
			text = "a " + things[min(a, b)] + " and a " + things[max(a, b)]
		}
		d.Captions, named = append(d.Captions, []string{text}), append(named, text)
		for range repeats {
			for v := range voxels {
				x := mix[a*voxels+v] + noise*rng.NormFloat64()
				if a != b {
					x += mix[b*voxels+v]
				}
				d.Voxels.Data = append(d.Voxels.Data, float32(x))
			}
			d.Images = append(d.Images, image)
			d.Voxels.Rows++
		}
	}
	return d, named
}

func TestCaptionsAreReadFromScans(t *testing.T) {
	rt := orttest.Runtime(t)
	all, named := seen(180, .7)
	train := all
	train.Images, train.Captions = all.Images[:120*repeats], all.Captions[:120]
	train.Voxels.Rows = len(train.Images)
	m, err := caption.Train(t.Context(), rt, train, scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), caption.Folder)
	if _, err := caption.Open(rt, dir, clip, ort.SessionOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder without a model: %v", err)
	}
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	p, err := caption.Open(rt, dir, clip, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	tests := blas32.General{Rows: 60 * repeats, Cols: voxels, Stride: voxels, Data: all.Voxels.Data[120*repeats*voxels:]}
	ones := make([]int, tests.Rows)
	for i := range ones {
		ones[i] = 1
	}
	read, err := p.Read(t.Context(), tests, ones)
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for i, r := range read {
		if r.Likeliest == named[120+i/repeats] {
			right++
		}
		for j, l := range r.LogLikelihoods {
			if same := named[j] == r.Likeliest; same != (l >= maxOf(r.LogLikelihoods)) {
				t.Fatalf("scan %d: image %d, %q, has the log-likelihood %v of %v, the likeliest is %q", i, j, named[j], l, maxOf(r.LogLikelihoods), r.Likeliest)
			}
		}
	}
	if len(read[0].LogLikelihoods) != 120 || right < len(read)*9/10 {
		t.Errorf("%d of %d scans are read as what was seen, among %d images", right, len(read), len(read[0].LogLikelihoods))
	}
	memory, err := m.Open(rt, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	again, err := memory.Read(t.Context(), tests, ones)
	if err != nil || again[7].LogLikelihoods[5] != read[7].LogLikelihoods[5] {
		t.Errorf("the model in memory reads otherwise than its folder: %v", err)
	}
}

// The memory has each image's tokens in the order in which trials saw them first.
func TestTokensAreRemembered(t *testing.T) {
	rt := orttest.Runtime(t)
	data, _ := seen(40, .5)
	for i := range data.Images { // image 39 is seen first
		data.Images[i] = 39 - data.Images[i]
	}
	data.Width = 2
	data.Tokens = func(dst []float32, image int) error {
		dst[0], dst[1] = float32(image), 1
		return nil
	}
	m, err := caption.Train(t.Context(), rt, data, scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	p, err := caption.Open(rt, dir, clip, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if !p.Remembers(2) || p.Remembers(3) {
		t.Error("the memory is of tokens of another size")
	}
	weights, mean := make([]float64, 40), make([]float32, 2)
	weights[0], weights[39], weights[7] = .75, .25, 1e-9
	if err := p.Mean(mean, weights); err != nil || mean[0] != .75*39 || mean[1] != 1 {
		t.Errorf("the mean is %v, %v, want %v and 1", mean, err, .75*39)
	}
	if err := p.Mean(mean, weights[:39]); !errors.Is(err, caption.ErrMismatch) {
		t.Errorf("too few weights: %v", err)
	}
	data.Width = caption.MostElements/40 + 1
	if m, err = caption.Train(t.Context(), rt, data, scan.Options{}); err != nil {
		t.Fatal(err)
	}
	forgets, err := m.Open(rt, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer forgets.Close()
	if forgets.Remembers(data.Width) {
		t.Error("more tokens are kept than there may be")
	}
}

func maxOf(list []float32) float32 {
	most := list[0]
	for _, x := range list {
		most = max(most, x)
	}
	return most
}

func TestForeignCaptionsAreRefused(t *testing.T) {
	rt := orttest.Runtime(t)
	data, _ := seen(60, .5)
	m, err := caption.Train(t.Context(), rt, data, scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := m.Save(dir); err != nil {
		t.Fatal(err)
	}
	other := space.Space{Name: "cold 1", Fingerprint: strings.Repeat("cd", 32)}
	if _, err := caption.Open(rt, dir, other, ort.SessionOptions{}); !errors.Is(err, space.ErrOther) {
		t.Errorf("the captions of another CLIP: %v", err)
	}
	data.Voxels.Data[0]++
	again, err := caption.Train(t.Context(), rt, data, scan.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	second := t.TempDir()
	if err := again.Save(second); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(second, "captions.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "captions.safetensors"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := caption.Open(rt, dir, clip, ort.SessionOptions{}); !errors.Is(err, caption.ErrMismatch) {
		t.Errorf("captions beside another decoder: %v", err)
	}
	if _, err := model.Open(dir); err != nil {
		t.Errorf("the decoder itself: %v", err)
	}
	data.Captions[4] = nil
	if _, err := caption.Train(t.Context(), rt, data, scan.Options{}); !errors.Is(err, caption.ErrMismatch) || !strings.Contains(err.Error(), "image 4 has no caption") {
		t.Errorf("an image without a caption: %v", err)
	}
	p, err := again.Open(rt, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Read(t.Context(), data.Voxels, []int{1}); !errors.Is(err, caption.ErrMismatch) {
		t.Errorf("scans without their repeats: %v", err)
	}
}
