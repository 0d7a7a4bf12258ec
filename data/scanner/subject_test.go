package scanner

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLayout(t *testing.T) {
	t.Parallel()
	for _, voxels := range []int{100, 2000} {
		s := newTestSubject(t, Options{Seed: 3, Voxels: voxels})
		mask := s.Mask()
		if len(mask.Index) != voxels || !slices.IsSorted(mask.Index) || len(slices.Compact(slices.Clone(mask.Index))) != voxels {
			t.Fatalf("the mask has %d voxels, want %d in order and no two the same", len(mask.Index), voxels)
		}
		count := make(map[Area]int)
		for i, v := range s.Voxels() {
			count[v.Area]++
			for axis, at := range v.At {
				if at < 1 || at >= s.shape[axis]-1 {
					t.Fatalf("voxel %d lies at %v in a volume of %v", i, v.At, s.shape)
				}
			}
			// Up to the scatter of fields around the vertical meridian.
			if v.LeftBrain && v.Field.X < -0.5 || !v.LeftBrain && v.Field.X > 0.5 {
				t.Errorf("voxel %d sees its own side: left brain is %v, field %+v", i, v.LeftBrain, v.Field)
			}
			if v.Field.Size < 0.2 || math.Hypot(v.Field.X, v.Field.Y) > 6.5 {
				t.Errorf("voxel %d has the field %+v", i, v.Field)
			}
		}
		for a := range Area(len(anatomy)) {
			if share := float64(count[a]) / float64(voxels); math.Abs(share-anatomy[a].share) > 0.06 {
				t.Errorf("%v has %.2f of the voxels, want about %.2f", a, share, anatomy[a].share)
			}
		}
	}
}

// Fields grow with eccentricity and from area to area.
func TestFieldsGrow(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{})
	sizes := make(map[Area][2][]float64) // near the centre and farther out
	for _, v := range s.Voxels() {
		far := 0
		if math.Hypot(v.Field.X, v.Field.Y) > 2 {
			far = 1
		}
		pair := sizes[v.Area]
		pair[far] = append(pair[far], v.Field.Size)
		sizes[v.Area] = pair
	}
	before := 0.0
	for _, a := range []Area{V1, V2, V3, V4} {
		near, far := median(sizes[a][0]), median(sizes[a][1])
		if far <= near || far <= before {
			t.Errorf("%v: fields of %.2f° near the centre and %.2f° farther out, %.2f° in the area before", a, near, far, before)
		}
		before = far
	}
}

func TestNCSNRIsDistributedAsAskedFor(t *testing.T) {
	t.Parallel()
	for _, want := range []float64{0, 0.7} {
		s := newTestSubject(t, Options{NCSNR: want})
		if want == 0 {
			want = 0.4
		}
		var all []float64
		for _, v := range s.Voxels() {
			all = append(all, v.NCSNR)
		}
		if got := median(all); math.Abs(got-want) > 1e-9 {
			t.Errorf("median ncsnr is %g, want %g", got, want)
		}
		// A long upper tail: the mean lies above the median.
		if p := all[len(all)*95/100]; p < 2*want {
			t.Errorf("the 95th percentile is %g, want at least twice the median %g", p, want)
		}
	}
}

// median sorts values.
func median(values []float64) float64 {
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

func TestSeedsDecideSubjects(t *testing.T) {
	t.Parallel()
	stimuli := deadLeaves(3, 1)
	a, b, other := newTestSubject(t, Options{Seed: 1, Voxels: 300}), newTestSubject(t, Options{Seed: 1, Voxels: 300}), newTestSubject(t, Options{Seed: 2, Voxels: 300})
	if diff := cmp.Diff(a.Voxels(), b.Voxels()); diff != "" {
		t.Errorf("the same seed gives two subjects: %s", diff)
	}
	if diff := cmp.Diff(responses(t, a, stimuli), responses(t, b, stimuli)); diff != "" {
		t.Errorf("the same seed gives two responses: %s", diff)
	}
	if cmp.Equal(a.Mask(), other.Mask()) || cmp.Equal(a.Voxels()[0].Field, other.Voxels()[0].Field) {
		t.Error("another seed gives the same subject")
	}
}

// Over the reference pictures, the deviation of a noiseless response is the ncsnr
// times the deviation of the noise.
func TestResponsesAreStandardised(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{Voxels: 300})
	rows := responses(t, s, reference())
	for v := range s.voxels {
		var mean, squares float64
		for _, row := range rows {
			mean += float64(row[v]) / float64(len(rows))
		}
		for _, row := range rows {
			squares += (float64(row[v]) - mean) * (float64(row[v]) - mean) / float64(len(rows))
		}
		want := s.voxels[v].NCSNR * s.voxels[v].noise
		if got := math.Sqrt(squares); math.Abs(got/want-1) > 1e-3 {
			t.Fatalf("voxel %d: deviation is %g %%, want %g %%", v, got, want)
		}
	}
}

func TestSubjectsThatCannotBe(t *testing.T) {
	t.Parallel()
	fails := errors.New("the disk is gone")
	grey := Stimuli{Count: 5, At: func(int) (*Stimulus, error) { return &Stimulus{W: 1, H: 1, Pix: []byte{9, 9, 9}}, nil }}
	for _, c := range []struct {
		options   Options
		reference Stimuli
		want      string
	}{
		{Options{Voxels: 99}, deadLeaves(5, 1), "wanted 100 to 262144 voxels, found 99"},
		{Options{NCSNR: -1}, deadLeaves(5, 1), "wanted a median ncsnr above 0, found -1"},
		{Options{NCSNR: math.NaN()}, deadLeaves(5, 1), "wanted a median ncsnr above 0, found NaN"},
		{Options{}, deadLeaves(1, 1), "wanted 2 reference pictures at least, found 1"},
		{Options{}, grey, "its response is the same for all reference pictures"},
		{Options{}, Stimuli{2, func(int) (*Stimulus, error) { return nil, fails }}, "stimulus 0: the disk is gone"},
		{Options{}, list(nil, nil), "stimulus 0: wanted a stimulus, found none"},
		{Options{}, list(&Stimulus{W: 2, H: 2, Pix: make([]byte, 11)}, &Stimulus{}), "found 2×2 with 11 bytes"},
		{Options{}, list(&Stimulus{W: 1, H: 1, Pix: make([]byte, 3), Content: Content{Things: []Thing{{Kind: "cup", X: math.NaN()}}}}, nil),
			`thing 0, "cup", lies at (NaN, 0)`},
	} {
		_, err := New(c.options, c.reference)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error is %v, want one that says %q", err, c.want)
		}
	}
}
