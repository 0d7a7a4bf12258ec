package qdrant_test

import (
	"context"
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
	if _, err := store.CreateSnapshot(t.Context()); !is(err, index.ErrUnavailable) || server.Calls("Snapshots/Create") != before+1 {
		t.Errorf("error %v after %d calls; want index.ErrUnavailable after one", err, server.Calls("Snapshots/Create")-before)
	}
}

func TestSnapshotsOfServer(t *testing.T) {
	checkSnapshots(t, createReal(t, qdrant.Options{}, qdrant.Schema{Dim: 2}))
}

func checkSnapshots(t *testing.T, store *qdrant.Store) {
	if err := store.Upsert(t.Context(), []index.Item{{Vector: []float32{1, 0}}}); err != nil {
		t.Fatal(err)
	}
	made, err := store.CreateSnapshot(t.Context())
	if err != nil || made.Name == "" || made.Size == 0 {
		t.Fatalf("snapshot %+v, error %v", made, err)
	}
	listed, err := store.Snapshots(t.Context())
	if err != nil || len(listed) != 1 || listed[0].Name != made.Name {
		t.Errorf("snapshots %+v, error %v; want %+v", listed, err, made)
	}
	for _, want := range []error{nil, index.ErrNotFound} {
		if err := store.DeleteSnapshot(t.Context(), made.Name); !is(err, want) {
			t.Errorf("delete: error %v, want %v", err, want)
		}
	}
	if listed, err := store.Snapshots(t.Context()); err != nil || len(listed) != 0 {
		t.Errorf("snapshots %+v, error %v; want none", listed, err)
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
		if err := store.Upsert(t.Context(), []index.Item{{ID: index.ID(i), Vector: []float32{1, 0}}}); err != nil {
			t.Fatal(err)
		}
		versions = append(versions, store)
	}
	alias := "alias-" + unique
	if err := versions[0].TakeAlias(t.Context(), alias); err != nil {
		t.Fatal(err)
	}
	opts.Collection = alias
	reader, err := qdrant.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
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
	done := make(chan error)
	go func() { done <- versions[1].TakeAlias(t.Context(), alias) }()
	for switched := false; !switched; {
		switched = first() == 1 // and never a search without a hit
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := versions[0].TakeAlias(t.Context(), "test-"+unique+"-1"); err == nil {
		t.Error("an alias took the name of a collection")
	}
}
