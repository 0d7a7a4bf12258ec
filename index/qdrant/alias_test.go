package qdrant_test

import (
	"testing"

	api "github.com/qdrant/go-client/qdrant"

	"engram/index"
	"engram/index/qdrant"
	"engram/index/qdrant/double"
)

// A collection gets the indexes of the one whose alias it takes.
func TestAliasBringsItsIndexes(t *testing.T) {
	server := start(t, double.Options{})
	kinds := map[string]index.PayloadKind{"k": index.Keyword, "i": index.Integer, "n": index.Number, "b": index.Bool, "w": index.Words}
	old := create(t, server, qdrant.Options{Collection: "old"}, qdrant.Schema{Indexes: kinds})
	fresh := create(t, server, qdrant.Options{Collection: "fresh"}, qdrant.Schema{})
	if _, err := old.TakeAlias(t.Context(), "alias"); err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	server.Tamper("Points/CreateFieldIndex", func(request, _ any) {
		made[request.(*api.CreateFieldIndexCollection).GetFieldName()] = true
	})
	if _, err := fresh.TakeAlias(t.Context(), "alias"); err != nil {
		t.Fatal(err)
	}
	for key := range kinds {
		if !made[key] {
			t.Errorf("no index of %q was made", key)
		}
	}
}
