package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"engram/data/images"
	"engram/index"
	"engram/index/ingest"
	"engram/index/source"
)

// memory is a store that can be killed: what was not flushed is then lost, but
// for some calls, which an engine may make durable early.
type memory struct {
	index.Store // nil: a job sets no labels
	mu          sync.Mutex
	items       map[index.ID]index.Item
	durable     map[index.ID]index.Item
	since       []func(map[index.ID]index.Item) // the calls since the last flush
	callsTo     int                             // the end; negative: far away
	writes      int
}

var errKilled = errors.New("killed")

func newMemory() *memory {
	return &memory{items: map[index.ID]index.Item{}, durable: map[index.ID]index.Item{}, callsTo: -1}
}

// call counts a call, and fails from the one on that kills.
func (m *memory) call() error {
	if m.callsTo == 0 {
		return errKilled
	}
	m.callsTo--
	return nil
}

// restart is the store as a process finds it that opens it after the kill.
func (m *memory) restart(kept int) *memory {
	n := newMemory()
	n.durable = m.durable
	for _, change := range m.since[:min(kept, len(m.since))] {
		change(n.durable)
	}
	n.items = maps.Clone(n.durable)
	return n
}

func (m *memory) apply(change func(map[index.ID]index.Item)) {
	m.writes++
	change(m.items)
	m.since = append(m.since, change)
}

func (m *memory) Info(context.Context) (index.Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return index.Info{Engine: "memory", Dim: 2, Count: len(m.items)}, m.call()
}

func (m *memory) Upsert(_ context.Context, items []index.Item) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call(); err != nil {
		return err
	}
	copies := make([]index.Item, len(items))
	for i, item := range items {
		unit, err := index.Unit(item.Vector, 2)
		if err := errors.Join(err, item.Payload.Check()); err != nil {
			return err
		}
		copies[i] = index.Item{ID: item.ID, Vector: unit, Payload: maps.Clone(item.Payload)}
	}
	m.apply(func(to map[index.ID]index.Item) {
		for _, item := range copies {
			to[item.ID] = item
		}
	})
	return nil
}

func (m *memory) Delete(_ context.Context, ids []index.ID) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call(); err != nil {
		return 0, err
	}
	before, doomed := len(m.items), slices.Clone(ids)
	m.apply(func(from map[index.ID]index.Item) {
		for _, id := range doomed {
			delete(from, id)
		}
	})
	return before - len(m.items), nil
}

func (m *memory) Get(_ context.Context, ids []index.ID) (items []index.Item, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		if item, found := m.items[id]; found {
			items = append(items, item)
		}
	}
	return items, m.call()
}

func (m *memory) All(context.Context) iter.Seq2[index.Item, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	items, err := maps.Clone(m.items), m.call()
	return func(yield func(index.Item, error) bool) {
		for _, item := range items {
			if !yield(item, err) || err != nil {
				return
			}
		}
	}
}

func (m *memory) Flush(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call(); err != nil {
		return err
	}
	m.durable, m.since = maps.Clone(m.items), nil
	return nil
}

func (m *memory) Search(context.Context, index.Query) ([]index.Hit, error) {
	return nil, errors.New("nobody searches here")
}

func (m *memory) Close() error { return nil }

// library is a source that the test changes.
type library map[string][]book // shard → rows

// book is a row: an image that has a key, or a vector that has none.
type book struct {
	key, text string
	vector    bool
}

// shards returns the source as it is now.
func (l library) shards() []source.Shard {
	var shards []source.Shard
	for _, name := range slices.Sorted(maps.Keys(l)) {
		rows := slices.Clone(l[name])
		shards = append(shards, source.Shard{
			Name: name, Fingerprint: fmt.Sprint(rows), Rows: len(rows),
			Read: func(_ context.Context, from int) iter.Seq2[[]source.Row, error] {
				return func(yield func([]source.Row, error) bool) {
					for first := from; first < len(rows); first += 3 {
						var some []source.Row
						for n := first; n < min(len(rows), first+3); n++ {
							some = append(some, rows[n].row(name, n))
						}
						if !yield(some, nil) {
							return
						}
					}
				}
			},
		})
	}
	return shards
}

// row is the book as row n of a shard.
func (b book) row(shard string, n int) source.Row {
	row := source.Row{Payload: index.Payload{"shard": shard, "text": b.text}}
	if b.vector {
		row.ID, row.Name = index.ID(images.ID(shard)&^0xffff)|index.ID(n), fmt.Sprint(shard, " row ", n)
		row.Vector, row.Norm = []float32{1, float32(len(b.text))}, 1
		if strings.HasPrefix(b.text, "unreadable") {
			row.Vector, row.Err = nil, errors.New("no vector")
		}
		return row
	}
	row.Name = shard + "/" + b.key
	row.ID = index.ID(images.ID(row.Name))
	row.Payload["key"], row.Payload["size"] = b.key, int64(len(b.text))
	row.Payload["crc32c"] = int64(crc32.ChecksumIEEE([]byte(b.text)))
	row.Open = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(b.text)), nil }
	return row
}

// pairs embeds a text by its length and its first letter.
type pairs struct{ fakeEncoder }

func (p *pairs) Encode(ctx context.Context, texts []ingest.Input) ([][]float32, error) {
	if _, err := p.fakeEncoder.Encode(ctx, texts); err != nil {
		return nil, err
	}
	var vectors [][]float32
	for _, input := range texts {
		text := input.(fakeImage).bytes
		vectors = append(vectors, []float32{1, float32(len(text)) + float32(bytes.Count(text, []byte("b")))/8})
	}
	return vectors, nil
}

// However often a build is killed while the source changes, in the end the
// store equals the store of a fresh build of the source as it is then.
func TestWhateverHappensTheStoreIsThatOfAFreshBuild(t *testing.T) {
	newDir := t.TempDir
	rapid.Check(t, func(t *rapid.T) {
		dir := newDir()
		source, store := library{}, newMemory()
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			source.change(t)
			store.callsTo = rapid.IntRange(0, 25).Draw(t, "calls")
			var where index.Filter
			if rapid.IntRange(0, 5).Draw(t, "filter") == 0 {
				where = index.Not{Filter: index.Equal{Key: "text", Value: "a"}}
			}
			runLibrary(t, dir, source, store, where)
			if store.callsTo == 0 {
				store = store.restart(rapid.IntRange(0, 3).Draw(t, "kept"))
				tear(t, dir, rapid.IntRange(0, 40).Draw(t, "torn"))
			}
		}
		store.callsTo = -1
		if err := runLibrary(t, dir, source, store, nil); err != nil {
			t.Fatal(err)
		}
		fresh, empty := newMemory(), filepath.Join(dir, "fresh")
		if err := os.Mkdir(empty, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := runLibrary(t, empty, source, fresh, nil); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fresh.durable, store.durable); diff != "" {
			t.Fatalf("the store differs from a fresh one (-want +got):\n%s", diff)
		}
		writes := store.writes
		if err := runLibrary(t, dir, source, store, nil); err != nil || store.writes != writes {
			t.Fatalf("another run wrote %d times, error %v", store.writes-writes, err)
		}
	})
}

// runLibrary runs a job as a process of its own would.
func runLibrary(t *rapid.T, dir string, source library, store *memory, where index.Filter) error {
	ledger, err := ingest.OpenLedger(dir)
	if err != nil {
		t.Fatal(err)
	}
	job := ingest.Job{
		Shards: source.shards(), Encoder: &pairs{}, Store: store, Ledger: ledger,
		Batch: 2, Where: where, Prune: true,
		Checkpoint: rapid.SampledFrom([]time.Duration{50 * time.Microsecond, time.Hour}).Draw(t, "checkpoint"),
	}
	_, err = job.Run(context.Background())
	if err != nil && !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	if err := ledger.Close(); err != nil {
		t.Fatal(err)
	}
	return err
}

// tear leaves the beginning of a line in the ledger, as a killed writer may.
func tear(t *rapid.T, dir string, n int) {
	f, err := os.OpenFile(filepath.Join(dir, ingest.LedgerName), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(`0badcafe {"shard":{"name":"half a line",`[:n])
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// change adds, removes or changes shards.
func (l library) change(t *rapid.T) {
	for range rapid.IntRange(0, 3).Draw(t, "changes") {
		name := rapid.SampledFrom([]string{"a", "b/c", "d.tar", "e.npy"}).Draw(t, "shard")
		if rapid.IntRange(0, 5).Draw(t, "remove") == 0 {
			delete(l, name)
			continue
		}
		vector := strings.HasSuffix(name, "npy")
		keys := rapid.Permutation([]string{"0", "1", "2", "3", "4", "5", "6", "7"}).Draw(t, "keys")
		var rows []book
		for _, key := range keys[:rapid.IntRange(0, 8).Draw(t, "rows")] {
			text := rapid.SampledFrom([]string{"a", "b", "ab", "bb", "unreadable", "black"}).Draw(t, "text")
			rows = append(rows, book{key, text, vector})
		}
		l[name] = rows
	}
}
