package scanner

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/stat"
)

// scanned returns what is measured in the trials, a row for each.
func scanned(t testing.TB, s *Subject, seen blas32.General, trials []Trial, seed uint64) [][]float32 {
	t.Helper()
	var rows [][]float32
	for row, err := range s.Scan(seen, trials, seed) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, slices.Clone(row))
	}
	return rows
}

func trialsOf(t testing.TB, schedule Schedule, images int) []Trial {
	t.Helper()
	trials, err := schedule.Trials(upTo(images))
	if err != nil {
		t.Fatal(err)
	}
	return trials
}

// upTo returns 0, 1, … n−1.
func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func mustRespond(t testing.TB, s *Subject, stimuli Stimuli) blas32.General {
	t.Helper()
	seen, err := s.Responses(stimuli)
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// estimated returns every voxel's ncsnr as Allen et al. 2022 estimate it: the
// noise variance is that over the repeats of an image, mean over images, the
// signal variance what it leaves of the variance of all trials.
func estimated(trials []Trial, rows [][]float32, voxels int) []float64 {
	byImage := make(map[int][]int)
	for i, t := range trials {
		byImage[t.Image] = append(byImage[t.Image], i)
	}
	out := make([]float64, voxels)
	for v := range out {
		var noise float64
		var all []float64
		for _, of := range byImage {
			var values []float64
			for _, i := range of {
				values = append(values, float64(rows[i][v]))
			}
			noise += stat.Variance(values, nil) / float64(len(byImage))
			all = append(all, values...)
		}
		out[v] = math.Sqrt(max(0, stat.Variance(all, nil)-noise) / noise)
	}
	return out
}

func TestNCSNRCanBeEstimatedFromScans(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{})
	seen := mustRespond(t, s, reference())
	const repeats = 12
	trials := trialsOf(t, Schedule{Repeats: repeats, SessionTrials: 100}, seen.Rows)
	got := estimated(trials, scanned(t, s, seen, trials, 3), len(s.voxels))
	var want, ratio []float64
	for i, v := range s.Voxels() {
		want = append(want, v.NCSNR)
		if v.NCSNR > 0.3 { // below, the estimate is mostly chance
			ratio = append(ratio, got[i]/v.NCSNR)
		}
	}
	if r := stat.Correlation(got, want, nil); r < 0.97 {
		t.Errorf("estimates correlate with what was drawn at %.3f, want at least 0.97", r)
	}
	if m := median(ratio); math.Abs(m-1) > 0.03 {
		t.Errorf("estimates are %.3f times what was drawn", m)
	}
	if m := median(got); math.Abs(m-median(want)) > 0.02 {
		t.Errorf("the median estimate is %.3f, want %.3f", m, median(want))
	}
}

// correlations returns the mean correlation of the noise of pairs of voxels at
// each distance, rounded to whole voxels.
func correlations(s *Subject, rows [][]float32) map[int]float64 {
	sum, n := make(map[int]float64), make(map[int]float64)
	columns := make([][]float64, len(s.voxels))
	for v := range columns {
		for _, row := range rows {
			columns[v] = append(columns[v], float64(row[v]))
		}
	}
	for a := 0; a < len(columns); a += 3 {
		for b := range a {
			var d2 float64
			for axis := range 3 {
				d := float64(s.voxels[a].At[axis] - s.voxels[b].At[axis])
				d2 += d * d
			}
			d := int(math.Round(math.Sqrt(d2)))
			sum[d] += stat.Correlation(columns[a], columns[b], nil)
			n[d]++
		}
	}
	for d := range sum {
		sum[d] /= n[d]
	}
	return sum
}

func TestNoiseOfNeighboursIsAlike(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{Voxels: 500})
	seen := mustRespond(t, s, deadLeaves(1, 1))
	trials := make([]Trial, 2000)
	for i := range trials {
		trials[i] = Trial{Session: i} // each in a session of its own: no drift between
	}
	r := correlations(s, scanned(t, s, seen, trials, 1))
	for _, pair := range [][2]int{{1, 2}, {2, 4}, {4, 7}} {
		if r[pair[0]] < r[pair[1]]+0.02 {
			t.Errorf("noise correlates at %.3f at a distance of %d, at %.3f at %d", r[pair[0]], pair[0], r[pair[1]], pair[1])
		}
	}
}

// The lattice gives the covariance that it stands for.
func TestNearbyNoiseIsGaussianInDistance(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{Voxels: 500})
	lattice := s.noise.sources - 1 - maxEchoes
	vectors := make([][]float64, len(s.voxels))
	for v := range vectors {
		vectors[v] = make([]float64, lattice)
		for _, l := range s.noise.loads[v] {
			if l.source < lattice {
				vectors[v][l.source] = l.weight
			}
		}
	}
	for a := range vectors {
		for b := range a {
			var d2 float64
			for axis := range 3 {
				d := float64(s.voxels[a].At[axis] - s.voxels[b].At[axis])
				d2 += d * d
			}
			want := nearby * math.Exp(-d2/(4*bump*bump))
			if got := dot(vectors[a], vectors[b]); math.Abs(got-want) > 0.02 {
				t.Fatalf("voxels %d and %d, %.1f apart, share %.3f of their noise, want %.3f", a, b, math.Sqrt(d2), got, want)
			}
		}
	}
}

// The noise of trials close in time is alike, in different sessions it is not.
func TestNoiseDriftsWithinSessions(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{Voxels: 500})
	seen := mustRespond(t, s, deadLeaves(1, 1))
	const sessions, length = 300, 20
	var trials []Trial
	for i := range sessions * length {
		trials = append(trials, Trial{Session: i / length, Place: i % length})
	}
	rows := scanned(t, s, seen, trials, 1)
	product := func(from, to, steps int) float64 { // mean over voxels and sessions
		var sum float64
		for session := range steps {
			a, b := rows[session*length+from], rows[session*length+to]
			for v := range a {
				offset := seen.Data[v]
				scale := s.voxels[v].noise * s.voxels[v].noise
				sum += float64((a[v]-offset)*(b[v]-offset)) / scale
			}
		}
		return sum / float64(steps*len(s.voxels))
	}
	next, far, other := product(5, 6, sessions), product(0, 12, sessions), product(5, length+5, sessions-1)
	for _, place := range []int{0, length / 2, length - 1} {
		if variance := product(place, place, sessions); math.Abs(variance-1) > 0.06 {
			t.Errorf("the variance at trial %d is %.3f, want 1", place, variance)
		}
	}
	if next < 0.08 || next < far+0.03 || math.Abs(other) > 0.04 {
		t.Errorf("noise correlates at %.3f with the next trial, %.3f with one much later, %.3f with another session's", next, far, other)
	}
}

func TestScansRepeat(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{Voxels: 200})
	seen := mustRespond(t, s, deadLeaves(5, 1))
	trials := trialsOf(t, Schedule{SessionTrials: 4}, 5)
	once := scanned(t, s, seen, trials, 7)
	if diff := cmp.Diff(once, scanned(t, s, seen, trials, 7)); diff != "" {
		t.Errorf("the same seed gives different scans:\n%s", diff)
	}
	if cmp.Equal(once, scanned(t, s, seen, trials, 8)) {
		t.Error("another seed gives the same scans")
	}
	// A session alone is scanned as it was among the others.
	if diff := cmp.Diff(once[2:5], scanned(t, s, seen, trials[2:5], 7)); diff != "" {
		t.Errorf("the second session alone:\n%s", diff)
	}
}

func TestScanRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	s := newTestSubject(t, Options{Voxels: 200})
	seen := mustRespond(t, s, deadLeaves(2, 1))
	for _, c := range []struct {
		seen   blas32.General
		trials []Trial
		want   string
	}{
		{seen, []Trial{{}, {Image: 2}}, "scanner: trial 1: it shows image 2, there are responses to 2"},
		{seen, []Trial{{Place: -1}}, "scanner: trial 0: wanted a session and a place from 0, found 0 and -1"},
		{blas32.General{Rows: 1, Cols: 3, Stride: 3, Data: make([]float32, 3)}, []Trial{{}},
			"scanner: trial 0: wanted responses of 200 voxels, found 3"},
	} {
		var last error
		for _, err := range s.Scan(c.seen, c.trials, 1) {
			last = err
		}
		if last == nil || last.Error() != c.want {
			t.Errorf("error is %v, want %q", last, c.want)
		}
	}
}
