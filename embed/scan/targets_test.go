package scan

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"engram/data/space"
	"engram/embed"
	"engram/embed/internal/matrix"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/blas/blas32"
)

// stored reads from a matrix, as a file would be read.
type stored struct {
	m     blas32.General
	reads *int
}

func (s stored) Read(dst []float32, from, n int) error {
	*s.reads += n
	copy(dst, s.m.Data[from*s.m.Cols:][:n*s.m.Cols])
	return nil
}

// Targets that are read in pieces give the decoder of targets in memory, and are
// read twice.
func TestStoredTargetsTrainTheSameDecoder(t *testing.T) {
	x, y, images := repeatedTrials(9, 60, 40, 12)
	data := Data{Voxels: x, Images: images, Targets: y, T: 3, D: 4}
	opts := Options{Preset: PresetLinear, Target: space.Space{Name: "test", Fingerprint: strings.Repeat("ab", 32)}}
	want, err := Train(t.Context(), nil, data, opts)
	if err != nil {
		t.Fatal(err)
	}
	reads := 0
	data.Stored, data.Targets.Data = stored{y, &reads}, nil
	got, err := Train(t.Context(), nil, data, opts)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Values, got.Values); diff != "" {
		t.Errorf("arrays (-memory +stored):\n%s", diff)
	}
	if reads != 2*y.Rows {
		t.Errorf("%d rows were read, want %d", reads, 2*y.Rows)
	}
	opts.Preset = PresetMindEye1
	if _, err := Train(t.Context(), nil, data, opts); err == nil || !strings.Contains(err.Error(), "in memory") {
		t.Errorf("mindeye1 returned %v", err)
	}
	y.Data[5*12+2] = float32(math.NaN())
	opts.Preset = PresetLinear
	if _, err := Train(t.Context(), nil, data, opts); !errors.Is(err, embed.ErrNotFinite) || !strings.Contains(err.Error(), "image 5, element 2 is NaN") {
		t.Errorf("NaN in a stored target returned %v", err)
	}
}

// The components of a few images among many unseen ones are theirs alone. The
// components of a sample of many images are close to the components of all.
func TestComponentsOfTheImagesThatWereSeen(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	targets := matrix.New(maxComponentImages+200, 6)
	for i := range targets.Data {
		targets.Data[i] = float32(rng.NormFloat64()) * float32(1+i%6)
	}
	some := Data{Targets: targets, T: 1, D: 6, Images: []int{7, 3, 900, 7, 12, 40, 41}}
	few, _, err := findComponents(t.Context(), some, 3, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	alone, _, err := findComponents(t.Context(), dataOf(matrix.Pick(targets, some.seen())), 3, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range alone.basis.Data {
		if math.Abs(float64(x-few.basis.Data[i])) > 1e-5 {
			t.Fatalf("element %d of the basis is %v, want %v", i, few.basis.Data[i], x)
		}
	}
	all, _, err := findComponents(t.Context(), dataOf(targets), 1, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if along := math.Abs(float64(all.basis.Data[5])) / all.scale; along < .95 {
		t.Errorf("the first component lies along the widest column by %.2f", along)
	}
}
