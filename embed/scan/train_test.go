package scan_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"engram/data/progress"
	"engram/data/space"
	"engram/embed"
	"engram/embed/eval"
	"engram/embed/ort"
	"engram/embed/ort/orttest"
	"engram/embed/scan"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/stat"
)

// simulated draws images and trials of a small world: each image is a random
// vector of t·8 elements along a few directions, each voxel a random mix of
// those directions plus noise, each image seen repeats times.
func simulated(images, repeats, voxels, t int) scan.Data {
	const directions, d = 6, 8
	rng := rand.New(rand.NewPCG(11, 12))
	normal := func(rows, cols int) blas32.General {
		m := blas32.General{Rows: rows, Cols: cols, Stride: cols, Data: make([]float32, rows*cols)}
		for i := range m.Data {
			m.Data[i] = float32(rng.NormFloat64())
		}
		return m
	}
	latent, toTarget, toVoxels := normal(images, directions), normal(directions, t*d), normal(directions, voxels)
	data := scan.Data{T: t, D: d, Targets: product(latent, toTarget)}
	for i := range data.Targets.Data {
		data.Targets.Data[i] += 2 // like real embeddings, all images have much in common
	}
	clean := product(latent, toVoxels)
	data.Voxels = normal(images*repeats, voxels)
	for trial := range images * repeats {
		image := trial % images
		data.Images = append(data.Images, image)
		for v := range voxels {
			x := &data.Voxels.Data[trial*voxels+v]
			*x = 100 + 3*clean.Data[image*voxels+v] + 3*(*x)
		}
	}
	return data
}

func product(a, b blas32.General) blas32.General {
	out := blas32.General{Rows: a.Rows, Cols: b.Cols, Stride: b.Cols, Data: make([]float32, a.Rows*b.Cols)}
	for i := range a.Rows {
		for j := range b.Cols {
			for k := range a.Cols {
				out.Data[i*b.Cols+j] += a.Data[i*a.Stride+k] * b.Data[k*b.Stride+j]
			}
		}
	}
	return out
}

// TestEveryPresetLearns cross-validates on the small world. A decoder that
// learned nothing identifies half of the pairs.
func TestEveryPresetLearns(t *testing.T) {
	rt := orttest.Runtime(t)
	data := simulated(60, 2, 40, 2)
	for _, preset := range []string{
		scan.PresetLinear, scan.PresetWhitened, scan.PresetGains, scan.PresetGaussian, scan.PresetCompact, scan.PresetAuto,
		scan.PresetContrastive, scan.PresetRefined, scan.PresetRefinedNetwork,
		"compact:bimixco", "compact:softclip", "compact:mse", "compact:gallery",
	} {
		const want = .95
		folds, err := scan.KFoldByImage(data.Images, 3, 1)
		if err != nil {
			t.Fatal(err)
		}
		cv, err := scan.CrossValidate(t.Context(), rt, data, scan.Options{Preset: preset, Epochs: 20}, folds)
		if err != nil {
			t.Fatal(err)
		}
		twoWay, err := eval.TwoWay(cv.Similarity)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: two-way identification %.3f", preset, twoWay)
		if h := cv.HeldOut; h.TwoWay < want || h.Predictions != 120 || math.Abs(h.Chance-1./20) > 1e-12 {
			t.Errorf("%s: among the 20 images of a fold %+v, want two-way %.2f", preset, h, want)
		}
		if len(cv.Presets) != 3 || preset != scan.PresetAuto && !strings.HasPrefix(preset, cv.Presets[1]) {
			t.Errorf("%s: the folds' decoders are %q", preset, cv.Presets)
		}
		if twoWay < want {
			t.Errorf("%s: two-way identification is %.3f, want %.2f", preset, twoWay, want)
		}
	}
}

// TestAveragesOfHeldOutScans compares, where every image was seen once, averages
// with the trials that they are, and expects the mean of noisy repeats to be
// identified more often than one of them.
func TestAveragesOfHeldOutScans(t *testing.T) {
	rt := orttest.Runtime(t)
	validate := func(data scan.Data) *scan.CrossValidation {
		t.Helper()
		folds, err := scan.KFoldByImage(data.Images, 3, 1)
		if err != nil {
			t.Fatal(err)
		}
		cv, err := scan.CrossValidate(t.Context(), rt, data, scan.Options{Preset: scan.PresetLinear}, folds)
		if err != nil {
			t.Fatal(err)
		}
		return cv
	}
	once := validate(simulated(30, 1, 40, 1))
	if len(once.Averaged) != 1 {
		t.Fatalf("images seen once have %d averages, want 1", len(once.Averaged))
	}
	if diff := cmp.Diff(once.Similarity.RawMatrix(), once.AmongTrained[0].Square().RawMatrix()); diff != "" {
		t.Errorf("trials and averages of one trial (-trials +averages):\n%s", diff)
	}
	held, all := once.Averaged[0], once.AmongTrained[0]
	for j := range held.Seen {
		among := held.Candidates(j)
		if len(among) != 10 {
			t.Fatalf("prediction %d has %d candidates, want the 10 images of its fold", j, len(among))
		}
		for _, i := range among {
			if held.Similarity.At(i, j) != all.Similarity.At(i, j) {
				t.Errorf("image %d, prediction %d: %v in the fold, %v among all", i, j, held.Similarity.At(i, j), all.Similarity.At(i, j))
			}
		}
	}
	if o, err := held.Outcomes(); err != nil || math.Abs(eval.TopK(o.Image, 1)-once.HeldOut.ImageTop1) > 1e-12 {
		t.Errorf("top 1 of averages of one trial is %v, %v, of the trials %v", eval.TopK(o.Image, 1), err, once.HeldOut.ImageTop1)
	}
	noisy := simulated(60, 2, 40, 1)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range noisy.Voxels.Data {
		noisy.Voxels.Data[i] += 40 * float32(rng.NormFloat64())
	}
	twice := validate(noisy)
	var shares []float64
	for _, c := range twice.Averaged {
		found, err := c.Outcomes()
		if err != nil {
			t.Fatal(err)
		}
		shares = append(shares, stat.Mean(found.TwoWay, nil))
	}
	t.Logf("two-way identification by 1 and 2 repeats %.3f", shares)
	if len(shares) != 2 || shares[0] < .6 || shares[1] <= shares[0] {
		t.Errorf("two-way identification by 1 and 2 repeats is %.3f, want more by 2", shares)
	}
}

// TestTrainingResumesWhereItStopped stops a training by its context and wants
// the resumed one to end in the weights of one that ran through.
func TestTrainingResumesWhereItStopped(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	data := simulated(40, 1, 40, 1)
	opts := scan.Options{Preset: scan.PresetCompact, Epochs: 9, Batch: 16, Seed: 5}
	whole, err := scan.Train(t.Context(), rt, data, opts)
	if err != nil {
		t.Fatal(err)
	}
	opts.Checkpoint = t.TempDir()
	opts.CheckpointEvery = 1
	ctx, cancel := context.WithCancel(t.Context())
	var stages []string
	opts.Progress = func(r progress.Report) {
		if !slices.Contains(stages, r.Stage) {
			stages = append(stages, r.Stage)
		}
		if r.Stage == scan.TrainingStage && r.Done == 5 {
			cancel()
		}
	}
	if _, err := scan.Train(ctx, rt, data, opts); !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled training returned %v", err)
	}
	if want := []string{scan.ComponentsStage, scan.SolvingStage, scan.TrainingStage}; !slices.Equal(stages, want) {
		t.Errorf("the stages were %v, want %v", stages, want)
	}
	first := int64(0)
	opts.Progress = func(r progress.Report) {
		if first == 0 && len(r.Figures) > 0 {
			first = r.Done
		}
	}
	resumed, err := scan.Train(t.Context(), rt, data, opts)
	if err != nil {
		t.Fatal(err)
	}
	if first != 6 {
		t.Errorf("resumed at epoch %d, want 6", first)
	}
	for name, want := range whole.Values {
		if !slices.Equal(resumed.Values[name], want) {
			t.Errorf("array %s differs from an uninterrupted training", name)
		}
	}
	opts.Seed = 6
	if _, err := scan.Train(t.Context(), rt, data, opts); err == nil || !strings.Contains(err.Error(), "another training") {
		t.Errorf("a checkpoint of another seed gave %v", err)
	}
	opts.Seed = 5
	data.Voxels.Data[7]++ // as many trials as before, but others
	if _, err := scan.Train(t.Context(), rt, data, opts); err == nil || !strings.Contains(err.Error(), "other trials or targets") {
		t.Errorf("a checkpoint of other trials gave %v", err)
	}
}

// TestTrainRefuses wants a sentence for each kind of unusable data.
func TestTrainRefuses(t *testing.T) {
	rt := orttest.Runtime(t)
	for want, spoil := range map[string]func(d *scan.Data, o *scan.Options){
		"voxel 3 is NaN":          func(d *scan.Data, _ *scan.Options) { d.Voxels.Data[3] = float32(math.NaN()) },
		"want 2 tokens of 8":      func(d *scan.Data, _ *scan.Options) { d.T = 2 },
		"saw image 99":            func(d *scan.Data, _ *scan.Options) { d.Images[4] = 99 },
		"image of each of 30":     func(d *scan.Data, _ *scan.Options) { d.Images = d.Images[:7] },
		"images at least":         func(d *scan.Data, _ *scan.Options) { clear(d.Images) },
		`"huge" is not known`:     func(_ *scan.Data, o *scan.Options) { o.Preset = "huge" },
		"targets of all images":   func(d *scan.Data, _ *scan.Options) { clear(d.Targets.Data) },
		"no voxel varies":         func(d *scan.Data, _ *scan.Options) { clear(d.Voxels.Data) },
		"the loss is":             func(_ *scan.Data, o *scan.Options) { o.LR, o.WeightDecay, o.Preset = 1e30, 1e-40, scan.PresetCompact },
		"weight decay 0.01 shr":   func(_ *scan.Data, o *scan.Options) { o.LR, o.Preset = 1e30, scan.PresetCompact },
		"1 epoch at least":        func(_ *scan.Data, o *scan.Options) { o.Epochs = -1 },
		"batch at least, found 1": func(_ *scan.Data, o *scan.Options) { o.Batch = 1 },
		"learning rate, found -1": func(_ *scan.Data, o *scan.Options) { o.LR = -1 },
		"weight decay, found NaN": func(_ *scan.Data, o *scan.Options) { o.WeightDecay = math.NaN() },
		"temperature, found -0.1": func(_ *scan.Data, o *scan.Options) { o.Temperature = -.1 },
		"a model file holds": func(d *scan.Data, o *scan.Options) { // the published size
			d.T, d.D, o.Preset = 257, 768, scan.PresetMindEye1
			d.Targets = blas32.General{Rows: 30, Cols: 257 * 768, Stride: 257 * 768, Data: make([]float32, 30*257*768)}
		},
	} {
		data := simulated(30, 1, 40, 1)
		opts := scan.Options{Preset: scan.PresetLinear, Epochs: 4}
		spoil(&data, &opts)
		if _, err := scan.Train(t.Context(), rt, data, opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("wanted an error with %q, found %v", want, err)
		}
	}
}

// TestDecodeRefuses wants a sentence for scans that cannot be decoded.
func TestDecodeRefuses(t *testing.T) {
	rt := orttest.Runtime(t)
	data := simulated(30, 1, 40, 1)
	for i := range data.Voxels.Data {
		data.Voxels.Data[i] *= 1e-6 // so that huge voxels are beyond float32 once they are z-scored
	}
	model, err := scan.Train(t.Context(), rt, data, scan.Options{Preset: scan.PresetLinear})
	if err != nil {
		t.Fatal(err)
	}
	d, err := model.Open(rt, ort.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Decode(t.Context(), simulated(3, 1, 41, 1).Voxels); err == nil || !strings.Contains(err.Error(), "reads 40 voxels, the scan has 41") {
		t.Errorf("41 voxels gave %v", err)
	}
	trials := simulated(3, 1, 40, 1).Voxels
	for want, x := range map[string]float64{"voxels: trial 1, voxel 5 is +Inf": math.Inf(1), "predicted tokens: trial 1, element 0 is": -3e38} {
		trials.Data[40+5] = float32(x)
		if _, err := d.Decode(t.Context(), trials); !errors.Is(err, embed.ErrNotFinite) || !strings.Contains(err.Error(), want) {
			t.Errorf("wanted an error with %q, found %v", want, err)
		}
	}
}

// TestUnseenImagesStayUnseen changes what training must not look at: the targets
// of images without a trial.
func TestUnseenImagesStayUnseen(t *testing.T) {
	rt := orttest.Runtime(t)
	data := simulated(30, 1, 40, 1)
	data.Voxels.Rows, data.Images = 24, data.Images[:24]
	opts := scan.Options{Preset: scan.PresetCompact, Epochs: 2, Target: space.Space{Fingerprint: strings.Repeat("ab", 32)}}
	before, err := scan.Train(t.Context(), rt, data, opts)
	if err != nil {
		t.Fatal(err)
	}
	for i := 24 * 8; i < 30*8; i++ {
		data.Targets.Data[i] = 1e6
	}
	after, err := scan.Train(t.Context(), rt, data, opts)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range before.Values {
		if !slices.Equal(after.Values[name], want) {
			t.Errorf("array %s depends on images without a trial", name)
		}
	}
}

// TestManyTrialsOfFewImages trains on more trials than are predicted exactly, of
// fewer images than there are parts.
func TestManyTrialsOfFewImages(t *testing.T) {
	t.Parallel()
	rt := orttest.Runtime(t)
	model, err := scan.Train(t.Context(), rt, simulated(4, 501, 5, 1), scan.Options{Preset: scan.PresetLinear})
	if err != nil {
		t.Fatal(err)
	}
	if model.Config.Rank != 3 {
		t.Errorf("%d components of 4 images, want 3", model.Config.Rank)
	}
}

// TestCrossValidateRefusesFolds wants every trial tested once by a decoder that
// has not seen it.
func TestCrossValidateRefusesFolds(t *testing.T) {
	rt := orttest.Runtime(t)
	data := simulated(6, 1, 5, 1)
	for want, folds := range map[string][]scan.Fold{
		"trial 0 in the test set of one fold, found it in 0": nil,
		"fold 1 of 1 has trial 6, there are trials 0 to 5":   {{Train: []int{6}}},
		"fold 1 of 1 trains and tests on trial 2":            {{Train: []int{0, 1, 2}, Test: []int{2, 3}}},
		"trial 1 in the test set of one fold, found it in 2": {{Test: []int{0, 1, 2}}, {Test: []int{1, 3, 4, 5}}},
	} {
		_, err := scan.CrossValidate(t.Context(), rt, data, scan.Options{Preset: scan.PresetLinear}, folds)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("wanted an error with %q, found %v", want, err)
		}
	}
}

// TestPresetsTogetherAreThePresetsAlone trains presets that share what they have in
// common, and expects what each of them is when it is trained alone.
func TestPresetsTogetherAreThePresetsAlone(t *testing.T) {
	rt := orttest.Runtime(t)
	data := simulated(60, 2, 40, 2)
	presets := []string{scan.PresetGains, "compact:mse", scan.PresetGaussian, scan.PresetCompact, scan.PresetRefined, scan.PresetAuto}
	opts := scan.Options{Epochs: 3, Seed: 2}
	together, err := scan.TrainPresets(t.Context(), rt, data, opts, presets)
	if err != nil {
		t.Fatal(err)
	}
	for i, preset := range presets {
		opts.Preset = preset
		alone, err := scan.Train(t.Context(), rt, data, opts)
		if err != nil {
			t.Fatal(err)
		}
		// What a model does not show is its left-out predictions.
		if diff := cmp.Diff(alone, together[i], cmpopts.IgnoreUnexported(scan.Model{})); diff != "" {
			t.Errorf("%s (-alone +together):\n%s", preset, diff)
		}
		left, ok := alone.LeftOut()
		if beside, has := together[i].LeftOut(); ok != has || !cmp.Equal(left, beside) {
			t.Errorf("%s: the left-out predictions differ", preset)
		}
	}
}
