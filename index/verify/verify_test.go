package verify_test

import (
	"context"
	"errors"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/progress"
	"engram/data/space"
	"engram/index"
	"engram/index/local"
	"engram/index/verify"
)

const (
	dim   = 24
	count = 700
)

// vectors are what the images of the tests are encoded to, of any length.
var vectors = sync.OnceValue(func() [][]float32 {
	rng := rand.New(rand.NewPCG(1, 2))
	rows := make([][]float32, count)
	for i := range rows {
		rows[i] = make([]float32, dim)
		for j := range rows[i] {
			rows[i][j] = float32(3 * rng.NormFloat64())
		}
	}
	return rows
})

// newIndex writes an index whose item 10·n has vector n, and returns its folder.
func newIndex(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "index")
	store, err := local.Create(dir, local.Options{Dim: dim, Space: space.Space{Name: "test 1", Fingerprint: "abc"}})
	if err != nil {
		t.Fatal(err)
	}
	var items []index.Item
	for n, v := range vectors() {
		items = append(items, index.Item{ID: index.ID(10 * n), Vector: v, Payload: index.Payload{"n": int64(n)}})
	}
	if err := errors.Join(store.Upsert(t.Context(), items), store.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func open(t *testing.T, dir string) *local.Store {
	t.Helper()
	store, err := local.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// originals returns the vectors that items were made from, of another length
// and a little off, as half precision makes them. Every seventh is gone.
func originals(_ context.Context, items []index.Item) ([]verify.Original, error) {
	made := make([]verify.Original, len(items))
	for i, item := range items {
		n := item.Payload["n"].(int64)
		if n%7 == 0 {
			continue
		}
		v := slices.Clone(vectors()[n])
		for i := range v {
			v[i] *= 2 * (1 + 1e-3*float32(i%2))
		}
		made[i].Vector = v
	}
	return made, nil
}

// outcomes returns name → outcome of the checks.
func outcomes(r *verify.Report) map[string]verify.Outcome {
	found := map[string]verify.Outcome{}
	for _, c := range r.Checks {
		found[c.Name] = c.Outcome
	}
	return found
}

func TestSoundIndexPasses(t *testing.T) {
	store := open(t, newIndex(t))
	last := int64(0)
	report, err := verify.Verify(t.Context(), store, verify.Options{Originals: originals, Progress: func(r progress.Report) {
		if r.Done < last || r.Total != 2*count {
			t.Errorf("progress %+v after %d", r, last)
		}
		last = r.Done
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]verify.Outcome{"files": "ok", "ids": "ok", "count": "ok", "vectors": "ok", "payloads": "ok", "rows": "ok", "originals": "ok", "search": "ok"}
	if diff := cmp.Diff(want, outcomes(report)); diff != "" || !report.OK() || report.Items != count || last != 2*count {
		t.Errorf("report %+v, progress to %d (-want +got):\n%s", report, last, diff)
	}
	for _, c := range report.Checks {
		if c.Name == "search" && !strings.Contains(c.Detail, "recall@10 1.0000") {
			t.Errorf("an exact search has %s", c.Detail)
		}
	}
}

func TestEmptyIndexPasses(t *testing.T) {
	store, err := local.Create(filepath.Join(t.TempDir(), "index"), local.Options{Dim: dim})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	report, err := verify.Verify(t.Context(), store, verify.Options{Originals: originals})
	if err != nil || !report.OK() || report.Items != 0 {
		t.Errorf("report %+v, error %v", report, err)
	}
}

// faulty is an engine with one fault.
type faulty struct {
	*local.Store
	info   func(*index.Info)
	all    func(n int, item *index.Item) (times int)
	get    func([]index.Item) []index.Item
	search func([]index.Hit) []index.Hit
}

func (f *faulty) Info(ctx context.Context) (index.Info, error) {
	info, err := f.Store.Info(ctx)
	if f.info != nil {
		f.info(&info)
	}
	return info, err
}

func (f *faulty) All(ctx context.Context) iter.Seq2[index.Item, error] {
	return func(yield func(index.Item, error) bool) {
		n := 0
		for item, err := range f.Store.All(ctx) {
			times := 1
			if f.all != nil {
				times = f.all(n, &item)
			}
			for range times {
				if !yield(item, err) {
					return
				}
			}
			n++
		}
	}
}

func (f *faulty) Get(ctx context.Context, ids []index.ID) ([]index.Item, error) {
	items, err := f.Store.Get(ctx, ids)
	if f.get != nil {
		items = f.get(items)
	}
	return items, err
}

func (f *faulty) Search(ctx context.Context, q index.Query) ([]index.Hit, error) {
	hits, err := f.Store.Search(ctx, q)
	if f.search != nil {
		hits = f.search(hits)
	}
	return hits, err
}

func TestEveryFaultIsFound(t *testing.T) {
	// alter changes the item that All yields as number 5.
	alter := func(change func(*index.Item)) func(int, *index.Item) int {
		return func(n int, item *index.Item) int {
			if n == 5 {
				change(item)
			}
			return 1
		}
	}
	repeat := func(times int) func(int, *index.Item) int {
		return func(n int, _ *index.Item) int {
			if n == 5 {
				return times
			}
			return 1
		}
	}
	for name, test := range map[string]struct {
		fault  faulty
		failed string // names of checks
		detail string
	}{
		"an item twice":  {faulty{all: repeat(2)}, "ids count", "id 50 comes after 50"},
		"an item less":   {faulty{all: repeat(0)}, "count", "counts 700 items and yields 699"},
		"out of order":   {faulty{all: alter(func(i *index.Item) { i.ID = 3 })}, "ids rows search", "id 3 comes after 40"},
		"wrong count":    {faulty{info: func(i *index.Info) { i.Count++ }}, "count", "counts 701 items and yields 700"},
		"NaN":            {faulty{all: alter(func(i *index.Item) { i.Vector[3] = float32(math.NaN()) })}, "vectors", "item 50 has length NaN"},
		"not normalised": {faulty{all: alter(func(i *index.Item) { i.Vector[0] += .01 })}, "vectors", "item 50 has length"},
		"dimension":      {faulty{all: alter(func(i *index.Item) { i.Vector = i.Vector[1:] })}, "vectors", "item 50 has 23 elements, the index 24"},
		"payload type":   {faulty{all: alter(func(i *index.Item) { i.Payload["n"] = []int64{5} })}, "payloads", `item 50: payload "n" is of type []int64`},
		"shifted rows": {faulty{get: func(items []index.Item) []index.Item {
			items[0].Vector, items[1].Vector = items[1].Vector, items[0].Vector
			return items
		}}, "rows", "2 wrong"},
		"not got by id": {faulty{get: func(items []index.Item) []index.Item { return items[2:] }}, "rows", "is not found by its id"},
		"other payload": {faulty{get: func(items []index.Item) []index.Item {
			items[0].Payload["n"] = float64(items[0].Payload["n"].(int64))
			return items
		}}, "rows", "1 wrong"},
		"shifted vectors": {faulty{all: func(_ int, item *index.Item) int {
			item.Payload["n"] = (item.Payload["n"].(int64) + 1) % count
			return 1
		}}, "rows originals", "with that of its original"},
		"low recall": {faulty{search: func(hits []index.Hit) []index.Hit {
			hits[0].ID, hits[0].Score = hits[1].ID, hits[1].Score
			return hits
		}}, "search", "found 9"},
		"too few hits":  {faulty{search: func(hits []index.Hit) []index.Hit { return hits[:9] }}, "search", "a search for 10 of 700 items found 9"},
		"phantom hit":   {faulty{search: func(hits []index.Hit) []index.Hit { hits[9].ID++; return hits }}, "search", "which is not among the sound ones"},
		"rounded score": {faulty{search: func(hits []index.Hit) []index.Hit { hits[4].Score -= 2e-5; return hits }}, "search", "its cosine is"},
	} {
		t.Run(name, func(t *testing.T) {
			test.fault.Store = open(t, newIndex(t))
			report, err := verify.Verify(t.Context(), &test.fault, verify.Options{Originals: originals, Samples: count})
			if err != nil {
				t.Fatal(err)
			}
			var failed, details []string
			for _, c := range report.Checks {
				if c.Outcome == verify.Failed {
					failed, details = append(failed, c.Name), append(details, c.Detail)
				}
			}
			if got := strings.Join(failed, " "); got != test.failed || report.OK() {
				t.Errorf("failed are %q, want %q: %q", got, test.failed, details)
			}
			if !strings.Contains(strings.Join(details, "\n"), test.detail) {
				t.Errorf("details are %q, want %q among them", details, test.detail)
			}
		})
	}
}

// A search that misses the nearest item in one of ten hits has recall .9.
func TestRecallIsMeasured(t *testing.T) {
	store := &worse{open(t, newIndex(t))}
	for _, test := range []struct {
		least float64
		want  verify.Outcome
	}{{.95, verify.Failed}, {.89, verify.OK}} {
		report, err := verify.Verify(t.Context(), store, verify.Options{Recall: test.least})
		if err != nil {
			t.Fatal(err)
		}
		last := report.Checks[len(report.Checks)-1]
		if last.Name != "search" || last.Outcome != test.want || !strings.Contains(last.Detail, "mean recall@10 ") || !strings.Contains(last.Detail, "0.9000") {
			t.Errorf("recall %v: %+v, want %s with 0.9000", test.least, last, test.want)
		}
	}
}

// worse finds all but the nearest.
type worse struct{ *local.Store }

func (s worse) Search(ctx context.Context, q index.Query) ([]index.Hit, error) {
	q.K++
	hits, err := s.Store.Search(ctx, q)
	return hits[1:], err
}

func TestDamagedFileIsFound(t *testing.T) {
	dir := newIndex(t)
	files, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil || len(files) != 1 {
		t.Fatalf("segments %v, error %v", files, err)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(files[0], raw, 0o644); err != nil {
		t.Fatal(err)
	}
	report, err := verify.Verify(t.Context(), open(t, dir), verify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := outcomes(report)["files"]; got != verify.Failed {
		t.Errorf("files are %s after one bit of a segment changed: %+v", got, report.Checks)
	}
}

func TestVerifyCanBeCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	store := open(t, newIndex(t))
	_, err := verify.Verify(ctx, store, verify.Options{Originals: func(context.Context, []index.Item) ([]verify.Original, error) {
		cancel()
		return nil, context.Canceled
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestOriginalsThatCannotBeMade(t *testing.T) {
	store := open(t, newIndex(t))
	for name, test := range map[string]struct {
		original verify.Original
		want     verify.Outcome
	}{
		"gone": {verify.Original{}, verify.Skipped}, "unreadable": {verify.Original{Err: errors.New("no image")}, verify.Failed},
		"no direction": {verify.Original{Vector: make([]float32, dim)}, verify.Failed},
	} {
		report, err := verify.Verify(t.Context(), store, verify.Options{Originals: func(_ context.Context, items []index.Item) ([]verify.Original, error) {
			return slices.Repeat([]verify.Original{test.original}, len(items)), nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		if got := outcomes(report)["originals"]; got != test.want {
			t.Errorf("%s: originals are %s, want %s", name, got, test.want)
		}
	}
}

// An item with the payload of another item is found where its original tells the
// payload.
func TestPayloadsOfOriginals(t *testing.T) {
	store := open(t, newIndex(t))
	for name, test := range map[string]struct {
		change func(i int, p index.Payload) index.Payload
		want   string
	}{
		"same":    {func(_ int, p index.Payload) index.Payload { return p }, "the same payload; "},
		"unknown": {func(int, index.Payload) index.Payload { return nil }, "with the vectors; "},
		"another": {func(i int, p index.Payload) index.Payload {
			if i == 3 {
				p = index.Payload{"n": int64(-1)}
			}
			return p
		}, "1 wrong; the first: item "},
	} {
		report, err := verify.Verify(t.Context(), store, verify.Options{Originals: func(ctx context.Context, items []index.Item) ([]verify.Original, error) {
			made, err := originals(ctx, items)
			for i := range made {
				if made[i].Vector == nil {
					made[i].Vector = items[i].Vector
				}
				made[i].Payload = test.change(i, items[i].Payload)
			}
			return made, err
		}})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range report.Checks {
			if c.Name == "originals" && !strings.Contains(c.Detail, test.want) {
				t.Errorf("%s: %q, want %q in it", name, c.Detail, test.want)
			}
		}
	}
}
