package pretrain

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/progress"
	"engram/data/safetensors"
	"engram/data/scenes"
	"engram/embed"
	"engram/embed/clip"
	"engram/embed/grad"
	"engram/embed/model"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

// world is a folder in which all tiny models are trained, and how that went.
func world(t *testing.T, rt *ort.Runtime, seed uint64) (dir string, losses map[Model][]float64) {
	t.Helper()
	dir, losses = t.TempDir(), map[Model][]float64{}
	for _, m := range Models() {
		_, err := Train(t.Context(), rt, dir, m, Options{Scale: "tiny", Seed: seed, Progress: func(r progress.Report) {
			if len(r.Figures) > 0 {
				losses[m] = append(losses[m], r.Figures[0].Value)
			}
		}})
		if err != nil {
			t.Fatal(m, err)
		}
	}
	return dir, losses
}

func TestModelsLearnAndRepeat(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	dir, losses := world(t, rt, 1)
	for m, most := range map[Model]float64{CLIP: .9, Autoencoder: .5, Denoiser: .9, Judge: .95} {
		l := losses[m]
		if len(l) != 6 || !(l[5] < most*l[0]) {
			t.Errorf("%s: the losses are %v, want 6, the last below %v of the first", m, l, most)
		}
	}
	again, _ := world(t, rt, 1)
	other, _ := world(t, rt, 2)
	for _, m := range Models() {
		if a, b := fingerprint(t, dir, m), fingerprint(t, again, m); a != b {
			t.Errorf("%s: two trainings with one seed make models %s and %s", m, a, b)
		}
		if a, b := fingerprint(t, dir, m), fingerprint(t, other, m); a == b {
			t.Errorf("%s: two seeds make one model", m)
		}
	}
}

func fingerprint(t *testing.T, dir string, m Model) string {
	t.Helper()
	b, err := model.Open(filepath.Join(dir, m.Folder()))
	if err != nil {
		t.Fatal(err)
	}
	return b.Fingerprint()
}

// TestAStoppedTrainingGoesOn stops every training after its second epoch, and
// wants the weights, moments and models of an undisturbed one.
func TestAStoppedTrainingGoesOn(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	dir, undisturbed, out, kept := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	again := func(m Model) { // writes a finished training again
		t.Helper()
		if _, err := Train(t.Context(), rt, out, m, Options{Scale: "tiny", Seed: 1, Checkpoint: kept}); err != nil {
			t.Fatal(m, err)
		}
	}
	for _, m := range Models() {
		if _, err := Train(t.Context(), rt, dir, m, Options{Scale: "tiny", Seed: 1, Checkpoint: undisturbed}); err != nil {
			t.Fatal(m, err)
		}
		ctx, stop := context.WithCancel(t.Context())
		opts := Options{Scale: "tiny", Seed: 1, Checkpoint: kept, checkpointEvery: 1, Progress: func(r progress.Report) {
			if r.Stage == string(m) && r.Done == 2 {
				stop()
			}
		}}
		if _, err := Train(ctx, rt, out, m, opts); !errors.Is(err, context.Canceled) {
			t.Fatalf("%s: a stopped training returns %v", m, err)
		}
		var epochs []int64
		opts.Progress = func(r progress.Report) {
			if r.Stage == string(m) {
				epochs = append(epochs, r.Done)
			}
		}
		card, err := Train(t.Context(), rt, out, m, opts)
		if err != nil {
			t.Fatal(m, err)
		}
		if !slices.Equal(epochs, []int64{2, 3, 4, 5, 6}) {
			t.Errorf("%s: went on with the epochs %v", m, epochs)
		}
		if a, b := fingerprint(t, dir, m), fingerprint(t, out, m); a != b {
			t.Errorf("%s: stopped and not stopped differ: %s and %s", m, b, a)
		}
		if diff := cmp.Diff(tensors(t, undisturbed, m), tensors(t, kept, m)); diff != "" {
			t.Errorf("%s: stopped and not stopped differ in the weights or their moments:\n%s", m, diff)
		}
		if text := card.Markdown(); !strings.Contains(text, "generated") || !strings.Contains(text, "--seed 1 --epochs 6") {
			t.Errorf("%s: the card does not say that all is generated, or how:\n%s", m, text)
		}
		if m == Detail { // which begins with an autoencoder without details
			again(Autoencoder)
		}
		opts.Seed = 2
		if _, err := Train(t.Context(), rt, out, m, opts); err == nil || !strings.Contains(err.Error(), "another training") {
			t.Errorf("%s: a checkpoint of another seed: %v", m, err)
		}
		if m == Detail {
			again(Detail)
		}
	}
	if left, err := filepath.Glob(filepath.Join(out, ".*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// tensors returns all arrays of a model's checkpoint.
func tensors(t *testing.T, dir string, m Model) map[string]safetensors.Tensor {
	t.Helper()
	all, _, err := safetensors.ReadFile(filepath.Join(dir, string(m)+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestACheckpointKnowsItsScenes(t *testing.T) {
	a := about{Model: CLIP, World: worldFingerprint(1)}
	b := a
	if b.World = worldFingerprint(1); !a.same(b) {
		t.Error("one seed has two worlds")
	}
	if b.World = worldFingerprint(2); a.same(b) {
		t.Error("two seeds have one world")
	}
}

// TestTheModelServesWhatWasTrained compares the encoder that clip opens with the
// training's own graph, fed with bytes as in training, for pictures of the
// models' size and, resized, of four times that size.
func TestTheModelServesWhatWasTrained(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	out, kept := t.TempDir(), t.TempDir()
	opts := Options{Scale: "tiny", Checkpoint: kept}
	if _, err := Train(t.Context(), rt, out, CLIP, opts); err != nil {
		t.Fatal(err)
	}
	m, err := model.Open(filepath.Join(out, string(CLIP)))
	if err != nil {
		t.Fatal(err)
	}
	encoder, err := clip.Open(rt, m, clip.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	const n = 6
	pictures, err := draw(t.Context(), source{0, scenes.Test, m.ImageSize}, 0, n)
	if err != nil {
		t.Fatal(err)
	}
	served, err := encoder.EncodeTokens(t.Context(), pictures.images())
	if err != nil {
		t.Fatal(err)
	}
	trained := trainedTokens(t, rt, kept, pictures)
	const tolerance = 4e-3 // half precision
	for i, want := range trained {
		norm := embed.Norm(want[:m.D])
		for k, v := range want {
			if d := math.Abs(float64(served[i].Data[k]) - float64(v)/norm); !(d < tolerance) {
				t.Fatalf("picture %d, element %d is %v, in training it was %v", i, k, served[i].Data[k], float64(v)/norm)
			}
		}
	}
	large, err := draw(t.Context(), source{0, scenes.Test, 4 * m.ImageSize}, 0, n)
	if err != nil {
		t.Fatal(err)
	}
	vectors, err := encoder.Encode(t.Context(), large.images())
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range vectors {
		if similar := embed.Dot(v, served[i].Global()); similar < .98 {
			t.Errorf("picture %d drawn large has a cosine of %.3f with itself drawn small", i, similar)
		}
	}
}

// trainedTokens runs the training's image network with the weights of a
// checkpoint: one row [T·D] a picture.
func trainedTokens(t *testing.T, rt *ort.Runtime, kept string, pictures *sceneBatch) [][]float32 {
	t.Helper()
	tr := &training{rt: rt, opts: Options{Scale: "tiny", Checkpoint: kept}, about: about{Model: CLIP, World: worldFingerprint(0)}}
	scale, err := tr.opts.scale()
	if err != nil {
		t.Fatal(err)
	}
	tr.newCLIP(scale)
	all := newNet()
	tr.net.loss(all, 2)
	state, _, err := tr.checkpoint().Read(all.Graph().Params())
	if err != nil {
		t.Fatal(err)
	}
	n := newNet()
	size, count := int64(pictures.size), int64(len(pictures.scenes))
	bytes := n.Graph().Data(bytesName, onnx.Uint8, int(count), pictures.size, pictures.size, 3)
	content, err := grad.Export(map[string]*grad.Node{"tokens": scale.CLIP.image(n, fromBytes(bytes))}, state.Values())
	if err != nil {
		t.Fatal(err)
	}
	s, err := session(rt, "training", content)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out := ort.Tensors{"tokens": nil}
	if err := s.Run(t.Context(), ort.Tensors{bytesName: {Shape: []int64{count, size, size, 3}, Data: pictures.bytes}}, out); err != nil {
		t.Fatal(err)
	}
	return slices.Collect(slices.Chunk(out["tokens"].Data.([]float32), scale.CLIP.tokens()*scale.CLIP.Dim))
}

func TestTextsAskInTheSpaceOfPictures(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	out := t.TempDir()
	if _, err := Train(t.Context(), rt, out, CLIP, Options{Scale: "tiny"}); err != nil {
		t.Fatal(err)
	}
	m, err := model.Open(filepath.Join(out, string(CLIP)))
	if err != nil {
		t.Fatal(err)
	}
	encoder, err := clip.OpenText(rt, m, clip.Options{Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	texts := []string{"a zebra in a meadow at night", "A zebra, in a meadow at night!", "two red cars on a street"}
	vectors, err := encoder.Encode(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	if len(vectors) != 3 || len(vectors[0]) != m.D || math.Abs(embed.Norm(vectors[2])-1) > 1e-6 {
		t.Fatalf("%d vectors, want 3 of %d elements and length 1", len(vectors), m.D)
	}
	if embed.Dot(vectors[0], vectors[1]) < 1-1e-6 || embed.Dot(vectors[0], vectors[2]) > .999 {
		t.Error("case and punctuation matter, or the words do not")
	}
	if _, err := encoder.Encode(t.Context(), []string{"Schrödinger"}); err == nil {
		t.Error("a text without a known word has a vector")
	}
}

func TestADenoiserNeedsItsTeachers(t *testing.T) {
	_, err := Train(t.Context(), orttest.Runtime(t), t.TempDir(), Denoiser, Options{Scale: "tiny"})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without models: %v", err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	rt := orttest.Runtime(t)
	if _, err := Train(t.Context(), rt, t.TempDir(), CLIP, Options{Scale: "vast"}); err == nil {
		t.Error("scale vast is accepted")
	}
	if _, err := Train(t.Context(), rt, t.TempDir(), "poet", Options{Scale: "tiny"}); err == nil {
		t.Error("model poet is accepted")
	}
}

// TestRanksCountTwins has three pictures; two of them mean the same.
func TestRanksCountTwins(t *testing.T) {
	a, b := scenes.New(1).Scene(scenes.Test, 1), scenes.New(1).Scene(scenes.Test, 2)
	twin := a
	twin.Detail++
	images := []embed.Vector{{1, 0}, {0, 1}, {.6, .8}}
	list := []scenes.Scene{a, b, twin}
	var ranks []int
	for _, caption := range []embed.Vector{{1, 0}, {0, 1}, {.7, .7}} {
		ranks = append(ranks, rank(list, images, caption, 0))
	}
	// The last caption is nearest to the twin of what it is about.
	if diff := cmp.Diff([]int{0, 1, 0}, ranks); diff != "" {
		t.Error(diff)
	}
}

// TestDetailsAddToTheAutoencoder trains an autoencoder further, with more channels: pictures must
// come back better from the first step on, in which nothing is learned yet.
func TestDetailsAddToTheAutoencoder(t *testing.T) {
	t.Parallel()
	rt, out := orttest.Runtime(t), t.TempDir()
	decibels := func(m Model, epochs int) float64 {
		t.Helper()
		card, err := Train(t.Context(), rt, out, m, Options{Scale: "tiny", Epochs: epochs})
		if err != nil {
			t.Fatal(m, err)
		}
		return card.Scores[0].Value
	}
	without := decibels(Autoencoder, 0)
	if with := decibels(Detail, 0); with < without+1 {
		t.Errorf("with details pictures come back with %.2f dB, with %.2f without", with, without)
	}
	m, err := model.Open(filepath.Join(out, string(Autoencoder)))
	if err != nil {
		t.Fatal(err)
	}
	if tiny := Scales()[0]; m.Latent.Channels != tiny.Autoencoder.Channels+tiny.Details {
		t.Errorf("latents have %d channels, wanted the %d of before and %d of details", m.Latent.Channels, tiny.Autoencoder.Channels, tiny.Details)
	}
	card, err := os.ReadFile(filepath.Join(out, string(Autoencoder), CardFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"# autoencoder, scale tiny", "# detail, scale tiny", "--model detail"} {
		if !strings.Contains(string(card), want) {
			t.Errorf("the card has no %q", want)
		}
	}
	if _, err := Train(t.Context(), rt, out, Detail, Options{Scale: "tiny"}); err == nil || !strings.Contains(err.Error(), "has details") {
		t.Errorf("details of details: error is %v", err)
	}
}
