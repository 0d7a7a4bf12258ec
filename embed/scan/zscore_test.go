package scan

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"engram/embed"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/stat"
	"pgregory.net/rapid"
)

func TestZScoreGivesMeanZeroAndDeviationOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := matrix.New(rapid.IntRange(2, 20).Draw(t, "trials"), rapid.IntRange(1, 5).Draw(t, "voxels"))
		scale := rapid.Float32Range(1e-6, 1e6).Draw(t, "scale")
		for i := range m.Data {
			m.Data[i] = scale * float32(rapid.IntRange(-1000, 1000).Draw(t, "value"))
		}
		constant := make([]bool, m.Cols)
		for j := range constant {
			constant[j] = true
			for i := range m.Rows {
				constant[j] = constant[j] && matrix.Row(m, i)[j] == m.Data[j]
			}
		}
		z, err := FitZScore(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		if err := z.Apply(m); err != nil {
			t.Fatal(err)
		}
		for j := range m.Cols {
			var sum, square float64
			for i := range m.Rows {
				x := float64(matrix.Row(m, i)[j])
				sum, square = sum+x, square+x*x
			}
			want := 1.0
			if constant[j] {
				want = 0
			}
			// The mean is stored in single precision, and a voxel may vary by
			// a thousandth of it.
			n := float64(m.Rows)
			if math.Abs(sum/n) > 2e-4 || math.Abs(square/n-want) > 1e-5 {
				t.Fatalf("voxel %d has mean %g and square %g, want 0 and %g", j, sum/n, square/n, want)
			}
		}
	})
}

func TestZScoreOfAVoxelThatDidNotVaryIsZeroForEver(t *testing.T) {
	z, err := FitZScore(t.Context(), blas32.General{Rows: 3, Cols: 2, Stride: 2, Data: []float32{0.1, 1, 0.1, 2, 0.1, 3}})
	if err != nil {
		t.Fatal(err)
	}
	test := blas32.General{Rows: 1, Cols: 2, Stride: 2, Data: []float32{5000, 2}}
	if err := z.Apply(test); err != nil || test.Data[0] != 0 || test.Data[1] != 0 {
		t.Errorf("got %v, %v", test.Data, err)
	}
}

func TestZScoreRefusesAndChangesNothing(t *testing.T) {
	if _, err := FitZScore(t.Context(), matrix.New(1, 3)); err == nil || err.Error() != "voxels: z-scoring needs 2 trials at least, found 1" {
		t.Errorf("got %v", err)
	}
	bad := blas32.General{Rows: 2, Cols: 2, Stride: 2, Data: []float32{1, 2, 3, float32(math.Inf(1))}}
	_, err := FitZScore(t.Context(), bad)
	if !errors.Is(err, embed.ErrNotFinite) || err.Error() != "voxels: trial 1, voxel 1 is +Inf: not finite" {
		t.Errorf("got %v", err)
	}
	z := &ZScore{Mean: []float32{1, 1}, Scale: []float32{1, 1}}
	before := slices.Clone(bad.Data)
	if err := z.Apply(bad); !errors.Is(err, embed.ErrNotFinite) || !slices.Equal(before, bad.Data) {
		t.Errorf("got %v, and voxels %v", err, bad.Data)
	}
	if err := z.Apply(matrix.New(2, 3)); err == nil || err.Error() != "voxels: the decoder reads 2 voxels, the scan has 3" {
		t.Errorf("got %v", err)
	}
}

// A voxel that repeats exactly is reliable, one that does not repeat is hardly, and without
// repeats all are alike.
func TestReliabilityIsWhatRepeatsShare(t *testing.T) {
	const images = 400
	trials := matrix.New(2*images, 2)
	var twice, once []int
	for trial := range trials.Rows {
		image := trial / 2
		matrix.Row(trials, trial)[0], matrix.Row(trials, trial)[1] = float32(image%5), float32(trial%2)
		twice, once = append(twice, image), append(once, trial)
	}
	z, err := FitZScore(t.Context(), trials)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		images []int
		want   []float64
	}{{twice, []float64{1, leastReliability}}, {once, []float64{1, 1}}} {
		got, err := reliabilities(t.Context(), trials, c.images, z)
		if err != nil {
			t.Fatal(err)
		}
		for v, want := range c.want {
			if math.Abs(float64(got[v])-want) > .01 {
				t.Errorf("images seen %d times: voxel %d has reliability %v, want %v", len(c.images)/(c.images[len(c.images)-1]+1), v, got[v], want)
			}
		}
	}
}

// TestReliabilitiesOfEqualVoxelsAreEqual has voxels of one reliability, ¼, and few scans:
// what they seem to differ by is chance. Voxels of which a half is noise alone keep most of
// their difference.
func TestReliabilitiesOfEqualVoxelsAreEqual(t *testing.T) {
	const images, voxels = 30, 200
	rng := rand.New(rand.NewPCG(61, 62))
	for _, signal := range [][2]float64{{1, 1}, {1.5, 0}} {
		trials, of := matrix.New(3*images, voxels), []int(nil)
		for v := range voxels {
			for image := range images {
				seen := signal[v%2] * rng.NormFloat64()
				for r := range 3 {
					matrix.Row(trials, 3*image+r)[v] = float32(seen + math.Sqrt(3)*rng.NormFloat64())
				}
			}
		}
		for trial := range 3 * images {
			of = append(of, trial/3)
		}
		z, err := FitZScore(t.Context(), trials)
		if err != nil {
			t.Fatal(err)
		}
		got, err := reliabilities(t.Context(), trials, of, z)
		if err != nil {
			t.Fatal(err)
		}
		var half [2][]float64
		for v, share := range got {
			half[v%2] = append(half[v%2], float64(share))
		}
		first, deviation := stat.MeanStdDev(half[0], nil)
		second := stat.Mean(half[1], nil)
		if signal[1] != 0 && !(deviation < .03 && math.Abs(first-.25) < .05) {
			t.Errorf("reliabilities of equal voxels are %.3f ± %.3f, wanted .25 and hardly a difference", first, deviation)
		}
		if signal[1] == 0 && !(first-second > .3) {
			t.Errorf("voxels with a signal have reliability %.3f and voxels of noise %.3f, wanted .43 and 0 within a tenth", first, second)
		}
	}
}
