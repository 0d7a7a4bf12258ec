package eval

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"engram/embed"
	"engram/embed/embedtest"
	"engram/embed/internal/matrix"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/combin"
	"pgregory.net/rapid"
)

func TestScoresEqualNumPy(t *testing.T) {
	for name, metric := range map[string]Metric{"scores_pearson": Pearson, "scores_cosine": Cosine} {
		t.Run(name, func(t *testing.T) {
			g := embedtest.Read(t, name)
			sim, err := Similarity(t.Context(), metric, g.Inputs["images"].Matrix(), g.Inputs["predicted"].Matrix())
			if err != nil {
				t.Fatal(err)
			}
			embedtest.Near(t, "similarity", sim.RawMatrix().Data, g.Outputs["similarity"].Data, 1e-8)
			two, err := TwoWay(sim)
			if err != nil {
				t.Fatal(err)
			}
			embedtest.Near(t, "two-way", []float64{two}, g.Outputs["two_way"].Data, 1e-8)
			for direction, s := range map[string]mat.Matrix{"image": sim, "brain": sim.T()} {
				ranks, err := Ranks(s)
				if err != nil {
					t.Fatal(err)
				}
				embedtest.Near(t, direction+" ranks", ranks, g.Outputs[direction+"_ranks"].Data, 0)
				embedtest.Near(t, direction+" top 3", []float64{TopK(ranks, 3)}, g.Outputs[direction+"_top3"].Data, 1e-8)
			}
		})
	}
}

func TestIntervalEqualsSciPy(t *testing.T) {
	g := embedtest.Read(t, "interval")
	got := interval(g.Inputs["scores"].Data)
	for name, x := range map[string]float64{"mean": got.Mean, "low": got.Low, "high": got.High} {
		embedtest.Near(t, name, []float64{x}, g.Outputs[name].Data, 1e-9)
	}
}

func TestCeilingsEqualNumPy(t *testing.T) {
	g := embedtest.Read(t, "ceilings")
	var repeats []blas32.General
	for _, name := range []string{"repeat0", "repeat1", "repeat2"} {
		repeats = append(repeats, g.Inputs[name].Matrix())
	}
	ncsnr, err := NCSNR(repeats)
	if err != nil {
		t.Fatal(err)
	}
	embedtest.Near(t, "ncsnr", ncsnr, g.Outputs["ncsnr"].Data, 1e-8)
	halves, err := SplitHalf(repeats[0], repeats[1])
	if err != nil {
		t.Fatal(err)
	}
	embedtest.Near(t, "split half", halves, g.Outputs["split_half"].Data, 1e-8)
	var one, three, both []float64
	for v := range ncsnr {
		one, three = append(one, NoiseCeiling(ncsnr[v], 1)), append(three, NoiseCeiling(ncsnr[v], 3))
		both = append(both, SpearmanBrown(halves[v], 2))
	}
	embedtest.Near(t, "ceiling of one trial", one, g.Outputs["ceiling_of_1"].Data, 1e-8)
	embedtest.Near(t, "ceiling of three", three, g.Outputs["ceiling_of_3"].Data, 1e-8)
	embedtest.Near(t, "Spearman-Brown", both, g.Outputs["spearman_brown_2"].Data, 1e-8)
}

// The ceiling is a reliability, so that averaging trials raises it as Spearman
// and Brown say.
func TestCeilingOfRepeatsIsSpearmanBrownOfOne(t *testing.T) {
	for _, ncsnr := range []float64{0, 0.1, 0.4, 2, math.Inf(1)} {
		embedtest.Near(t, "ceiling", []float64{NoiseCeiling(ncsnr, 3)}, []float64{SpearmanBrown(NoiseCeiling(ncsnr, 1), 3)}, 1e-12)
	}
	if c := NoiseCeiling(0, 3); c != 0 {
		t.Errorf("a voxel of noise has ceiling %v", c)
	}
	same := blas32.General{Rows: 2, Cols: 1, Stride: 1, Data: []float32{1, 2}}
	if ncsnr, err := NCSNR([]blas32.General{same, same}); err != nil || !math.IsInf(ncsnr[0], 1) || NoiseCeiling(ncsnr[0], 1) != 1 {
		t.Errorf("repeats that agree give %v, %v", ncsnr, err)
	}
}

// randomPair draws images and noisy predictions of them.
func randomPair(n, d int, noise float64) (images, predicted blas32.General) {
	rng := rand.New(rand.NewPCG(3, uint64(n)))
	images, predicted = matrix.New(n, d), matrix.New(n, d)
	for i := range images.Data {
		images.Data[i] = float32(rng.NormFloat64())
		predicted.Data[i] = images.Data[i] + float32(noise*rng.NormFloat64())
	}
	return images, predicted
}

func similarity(t *testing.T, images, predicted blas32.General) *mat.Dense {
	t.Helper()
	sim, err := Similarity(t.Context(), Cosine, images, predicted)
	if err != nil {
		t.Fatal(err)
	}
	return sim
}

func TestProtocolDrawsWhatItSays(t *testing.T) {
	images, predicted := randomPair(60, 10, 1.5)
	sim := similarity(t, images, predicted)
	ranks, err := Ranks(sim)
	if err != nil {
		t.Fatal(err)
	}
	// A draw of 20 of 60 keeps rank 1 where none of the nearer images is drawn.
	var want float64
	for _, r := range ranks {
		if r <= 41 {
			want += math.Exp(combin.LogGeneralizedBinomial(60-r, 19)-combin.LogGeneralizedBinomial(59, 19)) / 60
		}
	}
	p := Protocol{Gallery: 20, Draws: 2000, Seed: 5}
	got, err := p.Score(t.Context(), sim)
	if err != nil {
		t.Fatal(err)
	}
	// The mean of 2,000 draws is within four of its standard errors.
	standard := (got.Image.High - got.Image.Mean) / 1.96
	if math.Abs(got.Image.Mean-want) > 4*standard || standard > 0.01 {
		t.Errorf("top 1 of 20 is %.4f ± %.4f, expected %.4f", got.Image.Mean, standard, want)
	}
	again, _ := p.Score(t.Context(), sim)
	p.Seed++
	other, _ := p.Score(t.Context(), sim)
	if got != again || got == other {
		t.Error("the draws do not follow the seed")
	}
	swapped, _ := Protocol{Gallery: 20, Draws: 2000, Seed: 5}.Score(t.Context(), sim.T())
	if swapped.Image != got.Brain || swapped.Brain != got.Image || got.Image == got.Brain {
		t.Error("the directions are mixed up")
	}
}

func TestProtocolOfAllTrialsIsTheWholeSet(t *testing.T) {
	images, predicted := randomPair(40, 6, 1)
	sim := similarity(t, images, predicted)
	got, err := Protocol{Gallery: 40, Draws: 3, K: 2}.Score(t.Context(), sim)
	if err != nil {
		t.Fatal(err)
	}
	ranks, _ := Ranks(sim)
	if want := TopK(ranks, 2); got.Image != (Interval{want, want, want}) {
		t.Errorf("got %v, want %v without an interval", got.Image, want)
	}
}

// Every size is compared with ranking the same images without any cleverness.
func TestGalleryRanks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 40).Draw(t, "images")
		images, predicted := matrix.New(n, 3), matrix.New(4, 3)
		seed := rapid.Uint64().Draw(t, "seed")
		for i := range images.Data { // few values, so that there are ties
			images.Data[i] = float32(rapid.IntRange(1, 2).Draw(t, "element"))
		}
		for i := range predicted.Data {
			predicted.Data[i] = float32(rapid.IntRange(-2, 2).Draw(t, "element")) + 0.3
		}
		c := Comparison{}
		for range 4 {
			c.Seen = append(c.Seen, rapid.IntRange(0, n-1).Draw(t, "right"))
		}
		var err error
		if c.Similarity, err = Similarity(context.Background(), Cosine, images, predicted); err != nil {
			t.Fatal(err)
		}
		sizes := []int{1, (n + 1) / 2, n, n}
		ranks, err := c.Ranks(sizes, seed)
		if err != nil {
			t.Fatal(err)
		}
		order := rand.New(rand.NewPCG(seed, 0)).Perm(n)
		for j, right := range c.Seen {
			others := slices.DeleteFunc(slices.Clone(order), func(i int) bool { return i == right })
			for s, size := range sizes {
				want := plainRank(images, matrix.Row(predicted, j), right, others[:size-1])
				if ranks[s][j] != want {
					t.Fatalf("prediction %d has rank %v of %d, want %v", j, ranks[s][j], size, want)
				}
			}
		}
	})
}

func plainRank(images blas32.General, predicted []float32, right int, others []int) float64 {
	cosine := func(i int) float64 {
		row := matrix.Row(images, i)
		return embed.Dot(row, predicted) / embed.Norm(row)
	}
	r := 1.0
	for _, i := range others {
		switch d := cosine(i) - cosine(right); {
		case slices.Equal(matrix.Row(images, i), matrix.Row(images, right)):
			r += 0.5
		case math.Abs(d) < 1e-12: // parallel, [1 1 1] and [2 2 2]
			r += 0.5
		case d > 0:
			r++
		}
	}
	return r
}

// Two predictions and three images: the first prediction has its image first,
// the second has another one before it.
func TestGalleriesOfAComparison(t *testing.T) {
	c := Comparison{Seen: []int{2, 0}, Similarity: mat.NewDense(3, 2, []float64{
		.1, .6,
		.2, .7,
		.9, .3,
	})}
	got, err := c.Galleries([]int{1, 3}, 0)
	if err != nil {
		t.Fatal(err)
	}
	both, half := Wilson(1, 2), Wilson(.5, 2)
	want := []Gallery{
		{Size: 1, Top1: both, Top5: both, Top10: both, Chance: 1},
		{Size: 3, Top1: half, Top5: both, Top10: both, Chance: 1. / 3},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]float64{.9, .3, .1, .6}, c.Square().RawMatrix().Data); diff != "" {
		t.Errorf("seen images by predictions (-want +got)\n%s", diff)
	}
	for images, want := range map[int][]int{90: {90}, 300: {300}, 982: {300, 982}, 20000: {300, 1000, 10000, 20000}} {
		if diff := cmp.Diff(want, GallerySizes(images)); diff != "" {
			t.Errorf("sizes of %d images (-want +got)\n%s", images, diff)
		}
	}
}

func TestIdentify(t *testing.T) {
	// Prediction 2 is as near to image 0 as to its own; the others are right.
	got, err := Identify(mat.NewDense(3, 3, []float64{
		.9, .1, .5,
		.2, .8, .1,
		.3, .2, .5,
	}))
	if err != nil {
		t.Fatal(err)
	}
	// Two-way: 2/2, 2/2 and 1/2. Ranks of images 1, 1 and 1.5; image 2 finds its
	// own scan first.
	want := Identification{Predictions: 3, TwoWay: 2.5 / 3, ImageTop1: 2. / 3, ImageTop5: 1, BrainTop1: 1, Chance: 1. / 3}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A voxel is a sum of signal and noise of known deviations, so that its ceilings
// are known.
func TestCeilingOfVoxelsWithKnownNoise(t *testing.T) {
	const images, voxels, ncsnr = 2000, 9, .5
	rng := rand.New(rand.NewPCG(1, 1))
	repeats := []blas32.General{matrix.New(images, voxels), matrix.New(images, voxels), matrix.New(images, voxels)}
	for i := range repeats[0].Data {
		signal := ncsnr * rng.NormFloat64()
		for _, r := range repeats {
			r.Data[i] = float32(signal + rng.NormFloat64())
		}
	}
	got, err := NewCeiling(repeats)
	if err != nil {
		t.Fatal(err)
	}
	// One trial has .25 of 1.25 as signal; three have .25 of .25 + 1/3.
	want := Ceiling{Images: images, Repeats: 3, Voxels: voxels, NCSNR: .5, Single: .2, Mean: 3. / 7, SplitHalf: .2, SpearmanBrown: 3. / 7}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, .03)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Four repeats are halved into means of two.
	four := append(repeats, repeats[0])
	if got, err = NewCeiling(four); err != nil || got.SpearmanBrown != SpearmanBrown(got.SplitHalf, 2) {
		t.Errorf("ceiling of four repeats is %+v, %v", got, err)
	}
	copies := []blas32.General{repeats[0], repeats[0]}
	if _, err := NewCeiling(copies); err == nil || !strings.Contains(err.Error(), "copies of a scan are no repeats") {
		t.Errorf("copies: error is %v", err)
	}
}

func TestBadInputIsRefusedInASentence(t *testing.T) {
	good, zero, nan := matrix.New(3, 2), matrix.New(3, 2), matrix.New(3, 2)
	for i := range good.Data {
		good.Data[i] = float32(i*i + 1)
		nan.Data[i] = float32(i + 1)
	}
	nan.Data[3] = float32(math.NaN())
	sim := similarity(t, good, good)
	similar := func(metric Metric, images, predicted blas32.General) func() error {
		return func() error { _, err := Similarity(t.Context(), metric, images, predicted); return err }
	}
	gallery := func(seen []int, sizes ...int) func() error {
		return func() error {
			_, err := Comparison{Similarity: sim, Seen: seen}.Galleries(sizes, 0)
			return err
		}
	}
	for _, c := range []struct {
		name string
		call func() error
		want string
	}{
		{"NaN image", similar(Cosine, nan, good), "images: row 1, element 1 is NaN"},
		{"NaN prediction", similar(Pearson, good, nan), "predictions: row 1, element 1 is NaN"},
		{"zero prediction", similar(Cosine, good, zero), "predictions: row 0 has all elements equal to 0"},
		{"constant image", similar(Pearson, blas32.General{Rows: 1, Cols: 2, Stride: 2, Data: []float32{7, 7}}, good), "images: row 0 has all elements equal to 7"},
		{"dims", similar(Cosine, good, matrixOfOnes(3, 4)), "images have 2 elements, predictions 4"},
		{"mean of other size", func() error { _, err := Compare(t.Context(), good, good, []float32{1}); return err }, "have 2 elements, their mean has 1"},
		{"not square", func() error { _, err := Ranks(mat.NewDense(2, 3, nil)); return err }, "found 2 images and 3 predictions"},
		{"NaN similarity", func() error { _, err := TwoWay(mat.NewDense(1, 1, []float64{math.NaN()})); return err }, "image 0, prediction 0 is NaN"},
		{"one image", func() error { _, err := TwoWay(mat.NewDense(1, 1, nil)); return err }, "2 images at least, found 1"},
		{"too few trials", func() error { _, err := Protocol{}.Score(t.Context(), sim); return err }, "top 1 of 300 in 30 draws cannot be scored on 3 trials"},
		{"negative draws", func() error { _, err := Protocol{Gallery: 2, Draws: -1}.Score(t.Context(), sim); return err }, "in -1 draws"},
		{"gallery too large", gallery([]int{0, 1, 2}, 4), "ascending sizes from 1 to 3, found [4]"},
		{"sizes descend", gallery([]int{0, 1, 2}, 3, 2), "found [3 2]"},
		{"right image unknown", gallery([]int{0, 3, 2}, 2), "the right image of prediction 1 is 3, of 3 images"},
		{"right images missing", gallery([]int{0, 1}, 2), "each of 3 predictions, found 2"},
		{"one repeat", func() error { _, err := NCSNR([]blas32.General{good}); return err }, "2 repeats at least, found 1"},
		{"repeats differ", func() error { _, err := SplitHalf(good, matrixOfOnes(2, 2)); return err }, "repeat 0 has 3 images × 2 voxels, repeat 1 has 2 × 2"},
		{"one image of repeats", func() error { _, err := SplitHalf(matrixOfOnes(1, 2), matrixOfOnes(1, 2)); return err }, "2 images at least, found 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.call(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Similarity(cancelled, Cosine, good, good); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled similarity returned %v", err)
	}
}

func matrixOfOnes(rows, cols int) blas32.General {
	m := matrix.New(rows, cols)
	for i := range m.Data {
		m.Data[i] = 1
	}
	return m
}

// 100 predictions against 10,000 images of CLIP's 768 elements.
func BenchmarkGalleries(b *testing.B) {
	images, predicted := randomPair(10000, 768, 1)
	predicted.Rows = 100
	c := Comparison{Seen: make([]int, 100)}
	b.SetBytes(100 * 10000 * 768 * 4)
	for b.Loop() {
		var err error
		if c.Similarity, err = Similarity(b.Context(), Cosine, images, predicted); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Galleries([]int{300, 1000, 10000}, 0); err != nil {
			b.Fatal(err)
		}
	}
}
