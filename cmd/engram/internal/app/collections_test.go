package app

import (
	"strings"
	"testing"

	"engram/data/space"
	"engram/index"
	"engram/index/qdrant"

	"github.com/google/go-cmp/cmp"
)

func TestCollectionSchema(t *testing.T) {
	spec := CollectionSpec{Quantisation: "binary", PayloadIndexes: map[string]string{"NSFW": "keyword", "width": "number"}}
	of := space.Space{Name: "B 1", Fingerprint: "b"}
	want := qdrant.Schema{
		Dim: 8, Space: of, Codes: qdrant.Bits, Indexes: map[string]qdrant.Kind{"NSFW": qdrant.Keyword, "width": qdrant.Number},
	}
	got, err := spec.schema(index.Info{Dim: 8, Space: of})
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, schema (-want +got):\n%s", err, diff)
	}
}

// Of several flags that are wrong it is always the same that is told.
func TestTheFirstWrongFlagIsTold(t *testing.T) {
	folder := CollectionSpec{Shards: 2, Replicas: 2, Quantisation: "int8"}
	kinds := CollectionSpec{PayloadIndexes: map[string]string{"a": "float", "b": "text", "c": "int"}}
	for range 20 {
		if err := folder.Check("index"); err == nil || !strings.HasPrefix(err.Error(), "--quantisation is for a collection") {
			t.Errorf("error %v, want one about --quantisation", err)
		}
		if _, err := kinds.schema(index.Info{Dim: 1}); err == nil || !strings.HasPrefix(err.Error(), "--payload-index a=float: ") {
			t.Errorf("error %v, want one about a=float", err)
		}
	}
}

func TestAddressesOfCollections(t *testing.T) {
	a := New(Options{})
	for name, want := range map[string]struct {
		addr, collection string
		tls              bool
	}{
		"qdrant://localhost/photos":       {"localhost:6334", "photos", false},
		"qdrant://localhost:7000/photos":  {"localhost:7000", "photos", false},
		"qdrants://q.example.com/a-b.c_1": {"q.example.com:6334", "a-b.c_1", true},
		"qdrant://[::1]:6334/photos":      {"[::1]:6334", "photos", false},
	} {
		opts, err := a.collectionOptions(name)
		if err != nil || opts.Addr != want.addr || opts.Collection != want.collection || (opts.TLS != nil) != want.tls {
			t.Errorf("%s: %+v, error %v; want %+v", name, opts, err, want)
		}
	}
	for name, want := range map[string]string{
		"qdrant://localhost": "wanted qdrant://host:port/collection", "qdrant://localhost/": "wanted qdrant", "qdrant:///photos": "wanted qdrant",
		"qdrant://localhost/a/b": "wanted qdrant", "qdrant://localhost/a?tls=1": "wanted qdrant", "qdrant://localhost:port/a": "no address",
		"qdrant://:secret@localhost/a": "ENGRAM_QDRANT_API_KEY",
	} {
		if _, err := a.collectionOptions(name); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
}
