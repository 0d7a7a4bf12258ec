package open

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/data/space"
	"engram/index"
	"engram/index/qdrant"
	"engram/index/qdrant/double"
)

// startServer starts a double of a Qdrant server and returns its address.
func startServer(t *testing.T) string {
	t.Helper()
	server, err := double.Start(double.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return "qdrant://" + server.Addr() + "/"
}

func TestCreateAndOpen(t *testing.T) {
	of := space.Space{Name: "clip 1", Fingerprint: "f00"}
	for engine, base := range map[string]string{"local": t.TempDir() + "/", "qdrant": startServer(t)} {
		name, cache := base+"photos", t.TempDir()
		if _, err := Store(t.Context(), name, Options{}); !errors.Is(err, index.ErrNotFound) {
			t.Errorf("%s: error %v, want ErrNotFound", engine, err)
		}
		if dir, err := FindLedgerDir(t.Context(), base+"nowhere", Options{Cache: cache}); err != nil || engine == "qdrant" && dir != "" {
			t.Errorf("%s: the ledger of no index lies in %q, error %v", engine, dir, err)
		}
		store, err := Create(t.Context(), name, Empty{Dim: 3, Space: of}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		info, err := store.Info(t.Context())
		if want := (index.Info{Engine: engine, Dim: 3, Space: of}); info != want || err != nil {
			t.Errorf("%s: info %+v, error %v; want %+v", engine, info, err, want)
		}
		dir, err := LedgerDir(t.Context(), name, store, Options{Cache: cache})
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
		if found, err := FindLedgerDir(t.Context(), name, Options{Cache: cache}); found != dir || err != nil {
			t.Errorf("%s: the ledger lies in %q, error %v; want %q", engine, found, err, dir)
		}
		if _, err := Create(t.Context(), name, Empty{Dim: 3}, Options{}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: error %v, want fs.ErrExist", engine, err)
		}
		store, err = Follow(t.Context(), name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Parts that are built into one collection must not share a ledger.
func TestPartsHaveLedgersOfTheirOwn(t *testing.T) {
	for _, test := range []struct{ name, part, want string }{
		{"photos", "", "dir"}, {"photos", "1/3", "dir"}, {"qdrant://a/b", "", "dir"}, {"qdrant://a/b", "1/3", filepath.Join("dir", "part-1-of-3")},
	} {
		if got := PartDir("dir", test.name, test.part); got != test.want {
			t.Errorf("part %q of %s: %s, want %s", test.part, test.name, got, test.want)
		}
	}
}

func TestAddresses(t *testing.T) {
	for name, want := range map[string]struct {
		addr, collection string
		tls              bool
	}{
		"qdrant://localhost/photos":       {"localhost:6334", "photos", false},
		"qdrant://localhost:7000/photos":  {"localhost:7000", "photos", false},
		"qdrants://q.example.com/a-b.c_1": {"q.example.com:6334", "a-b.c_1", true},
		"qdrant://[::1]:6334/photos":      {"[::1]:6334", "photos", false},
	} {
		at, err := parse(name, Options{})
		if err != nil || at.Addr != want.addr || at.Collection != want.collection || (at.TLS != nil) != want.tls {
			t.Errorf("%s: %+v, error %v; want %+v", name, at, err, want)
		}
	}
	for name, want := range map[string]string{
		"qdrant://localhost": "wanted qdrant://host:port/collection", "qdrant://localhost/": "wanted qdrant", "qdrant:///photos": "wanted qdrant",
		"qdrant://localhost/a/b": "wanted qdrant", "qdrant://localhost/a?tls=1": "wanted qdrant", "qdrant://localhost:port/a": "no address",
		"qdrant://:secret@localhost/a": "ENGRAM_QDRANT_API_KEY", "http://localhost/a": "neither a folder nor a collection",
	} {
		if _, err := Store(t.Context(), name, Options{}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
}

func TestSame(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"a", "a", true}, {"a/", "./a", true}, {"a", "b", false}, {"qdrant://h/a", "qdrant://h/a", true}, {"qdrant://h/a", "qdrant://h/a/", false},
	} {
		if got := Same(test.a, test.b); got != test.want {
			t.Errorf("%s and %s: %v, want %v", test.a, test.b, got, test.want)
		}
	}
}

func TestSchema(t *testing.T) {
	of := space.Space{Name: "B 1", Fingerprint: "b"}
	want := qdrant.Schema{
		Dim: 8, Space: of, Quantisation: index.Binary, Indexes: map[string]index.PayloadKind{"NSFW": index.Keyword, "width": index.Number},
	}
	got, err := Empty{Dim: 8, Space: of, Collection: Collection{
		Quantisation: index.Binary, PayloadIndexes: map[string]string{"NSFW": "keyword", "width": "number"},
	}}.schema()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, schema (-want +got):\n%s", err, diff)
	}
}

// Of several choices that are wrong it is always the same that is told.
func TestTheFirstWrongChoiceIsTold(t *testing.T) {
	for range 20 {
		for name, test := range map[string]struct {
			set  Collection
			want string
		}{
			"index": {Collection{Shards: 2, Replicas: 2, Quantisation: "int8"}, "quantisation is for a collection"},
			"":      {Collection{Shards: 2}, "found no --out"},
			"qdrant://h/a": {
				Collection{PayloadIndexes: map[string]string{"a": "float", "b": "text", "c": "int"}}, "payload-index a=float: wanted one of bool, integer",
			},
			"qdrant://h/b": {Collection{Quantisation: "int4", Shards: -1}, `quantisation is "int4", wanted int8, binary or none`},
			"qdrant://h/c": {Collection{Shards: -1, Replicas: -1}, "shards is -1"},
			"qdrant://h/d": {Collection{Replicas: -1}, "replicas is -1"},
			"qdrant://h/e": {Collection{PayloadIndexes: map[string]string{"": "bool"}}, "payload-index =bool: wanted a key"},
		} {
			if err := test.set.Check(name); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: error %v, want %q", name, err, test.want)
			}
		}
	}
}

func TestScratchIsDropped(t *testing.T) {
	name := startServer(t) + "scratch"
	store, drop, err := Scratch(t.Context(), name, Empty{Dim: 2}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Upsert(t.Context(), []index.Item{{ID: 1, Vector: []float32{1, 0}}}); err != nil {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := drop(ended); err != nil {
		t.Error(err)
	}
	if _, err := Store(t.Context(), name, Options{}); !errors.Is(err, index.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
}
