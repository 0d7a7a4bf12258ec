package qdrant_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"engram/index"
	"engram/index/qdrant"
	"engram/index/qdrant/double"

	"google.golang.org/grpc/codes"
)

func TestSnapshots(t *testing.T) {
	server := start(t, double.Options{})
	checkSnapshots(t, create(t, server, qdrant.Options{}, qdrant.Schema{}))
	store, err := qdrant.Open(t.Context(), qdrant.Options{Addr: server.Addr(), Collection: "photos"})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	before := server.Calls("Snapshots/Create")
	server.Fail("Snapshots/Create", double.Fault{Code: codes.Unavailable})
	if _, err := store.SnapshotOnServer(t.Context()); !is(err, index.ErrUnavailable) || server.Calls("Snapshots/Create") != before+1 {
		t.Errorf("error %v after %d calls; want index.ErrUnavailable after one", err, server.Calls("Snapshots/Create")-before)
	}
}

func TestSnapshotsOfServer(t *testing.T) {
	checkSnapshots(t, createReal(t, qdrant.Schema{Dim: 2}))
}

func checkSnapshots(t *testing.T, store *qdrant.Store) {
	if err := store.Upsert(t.Context(), []index.Item{{Vector: []float32{1, 0}}}); err != nil {
		t.Fatal(err)
	}
	made, err := store.SnapshotOnServer(t.Context())
	if err != nil || made.Name == "" || made.Bytes == 0 {
		t.Fatalf("snapshot %+v, error %v", made, err)
	}
}

func TestTakeAlias(t *testing.T) {
	checkTakeAlias(t, qdrant.Options{Addr: start(t, double.Options{}).Addr()})
}

func TestTakeAliasOnServer(t *testing.T) { checkTakeAlias(t, real(t)) }

// checkTakeAlias replaces a collection while it is searched.
func checkTakeAlias(t *testing.T, opts qdrant.Options) {
	unique := fmt.Sprint(time.Now().UnixNano())
	var versions []*qdrant.Store
	for i := range 2 {
		opts.Collection = fmt.Sprintf("test-%s-%d", unique, i)
		store, err := qdrant.Create(t.Context(), opts, qdrant.Schema{Dim: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		defer store.Drop(context.Background())
		if err := store.Upsert(t.Context(), []index.Item{{ID: index.ID(i), Vector: []float32{1, 0}, Payload: index.Payload{"caption": "black cat on a sofa"}}}); err != nil {
			t.Fatal(err)
		}
		versions = append(versions, store)
	}
	alias := "alias-" + unique
	if before, err := versions[0].TakeAlias(t.Context(), alias); before != "" || err != nil {
		t.Fatalf("%q before, error %v; want nothing", before, err)
	}
	opts.Collection = alias
	reader, fixed := open(t, opts), opts
	fixed.Fixed = true
	writer := open(t, fixed)
	if name := writer.Collection(); name != versions[0].Collection() {
		t.Errorf("a fixed store is of %s, want %s", name, versions[0].Collection())
	}
	first := func() index.ID {
		t.Helper()
		hits, err := reader.Search(t.Context(), query)
		if err != nil || len(hits) != 1 {
			t.Fatalf("%v, error %v; want one hit", hits, err)
		}
		return hits[0].ID
	}
	if id := first(); id != 0 {
		t.Errorf("found item %d, want that of the first collection", id)
	}
	// The first filter of words makes an index that the second collection has to
	// have as well.
	filtered := query
	filtered.Filter = index.Text{Key: "caption", Words: "sofa black"}
	if hits, err := reader.Search(t.Context(), filtered); err != nil || len(hits) != 1 {
		t.Fatalf("%v, error %v; want one hit", hits, err)
	}
	done := make(chan error)
	go func() {
		before, err := versions[1].TakeAlias(t.Context(), alias)
		if before != versions[0].Collection() {
			err = errors.Join(err, fmt.Errorf("%q before, want %s", before, versions[0].Collection()))
		}
		done <- err
	}()
	for switched := false; !switched; {
		switched = first() == 1 // and never a search without a hit
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if hits, err := reader.Search(t.Context(), filtered); err != nil || len(hits) != 1 || hits[0].ID != 1 {
		t.Errorf("%v, error %v; want item 1", hits, err)
	}
	// A fixed store stays where it is.
	if err := writer.Upsert(t.Context(), []index.Item{{ID: 7, Vector: []float32{1, 0}}}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{2, 1} {
		if info, err := versions[i].Info(t.Context()); err != nil || info.Count != want {
			t.Errorf("%s has %d items, error %v; want %d", versions[i].Collection(), info.Count, err, want)
		}
	}
	if _, err := versions[0].TakeAlias(t.Context(), versions[1].Collection()); !is(err, qdrant.ErrAlias) {
		t.Errorf("an alias of the name of a collection: error %v, want ErrAlias", err)
	}
	for _, name := range []string{"", "a/b", "a\x00"} {
		if _, err := versions[0].TakeAlias(t.Context(), name); !is(err, qdrant.ErrAlias) {
			t.Errorf("alias %q: error %v, want ErrAlias", name, err)
		}
	}
}

// open opens a collection until the end of the test.
func open(t *testing.T, opts qdrant.Options) *qdrant.Store {
	t.Helper()
	store, err := qdrant.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}
