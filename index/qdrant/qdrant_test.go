package qdrant_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"engram/index"
	"engram/index/indextest"
	"engram/index/qdrant"
	"engram/index/qdrant/double"
)

// start starts a double and stops it at the end of the test.
func start(t testing.TB, opts double.Options) *double.Server {
	t.Helper()
	server, err := double.Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// opener opens collections of a server, and drops them at the end.
func opener(opts qdrant.Options, schema qdrant.Schema) indextest.Opener {
	return func(t testing.TB, name string, dim int) index.Store {
		t.Helper()
		opts, schema := opts, schema
		opts.Collection, schema.Dim = name, dim
		store, err := qdrant.Open(t.Context(), opts)
		if errors.Is(err, index.ErrNotFound) {
			store, err = qdrant.Create(t.Context(), opts, schema)
			t.Cleanup(func() { drop(t, opts) })
		}
		if err != nil {
			t.Fatal(err)
		}
		return store
	}
}

// drop deletes a collection.
func drop(t testing.TB, opts qdrant.Options) {
	t.Helper()
	ctx := context.Background() // the context of the test has ended
	store, err := qdrant.Open(ctx, opts)
	if err == nil {
		err = errors.Join(store.Drop(ctx), store.Close())
	}
	if err != nil {
		t.Errorf("drop %s: %v", opts.Collection, err)
	}
}

func TestContract(t *testing.T) {
	t.Parallel()
	server := start(t, double.Options{})
	indextest.Contract(t, opener(qdrant.Options{Addr: server.Addr()}, qdrant.Schema{}))
	indextest.Tokens(t, tokenOpener(qdrant.Options{Addr: server.Addr()}))
}

// tokenOpener opens collections that keep tokens, and drops them at the end.
func tokenOpener(opts qdrant.Options) indextest.TokenOpener {
	return func(t testing.TB, name string, dim int, format index.TokenFormat) index.Store {
		t.Helper()
		return opener(opts, qdrant.Schema{Tokens: format})(t, name, dim)
	}
}

// A double that misses points, as a graph does, has the recall that was asked for
// only if the queries say so.
func TestRecallOverAGraph(t *testing.T) {
	t.Parallel()
	server := start(t, double.Options{Graph: true})
	for _, quantisation := range []index.Quantisation{index.Int8, index.Binary} {
		indextest.Approximate(t, opener(qdrant.Options{Addr: server.Addr(), ExactUpTo: -1}, qdrant.Schema{Quantisation: quantisation}))
	}
}

// real returns a real server, where the environment names one.
func real(t testing.TB) qdrant.Options {
	t.Helper()
	addr := os.Getenv("ENGRAM_TEST_QDRANT")
	if addr == "" {
		t.Skip("SKIPPED, no server: set ENGRAM_TEST_QDRANT to host:port of a Qdrant server's gRPC service, and ENGRAM_TEST_QDRANT_API_KEY where it wants a key")
	}
	return qdrant.Options{Addr: addr, APIKey: os.Getenv("ENGRAM_TEST_QDRANT_API_KEY")}
}

// createReal makes a collection of a name of its own on a real server, and drops
// it at the end.
func createReal(t testing.TB, schema qdrant.Schema) *qdrant.Store {
	t.Helper()
	opts := real(t)
	opts.Collection = fmt.Sprintf("test-%d", time.Now().UnixNano())
	store, err := qdrant.Create(t.Context(), opts, schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(store.Drop(context.Background()), store.Close()); err != nil {
			t.Error(err)
		}
	})
	return store
}

func TestContractOnServer(t *testing.T) {
	indextest.Tokens(t, tokenOpener(real(t)))
	for _, quantisation := range []index.Quantisation{index.Int8, index.Binary, index.Unquantised} {
		t.Run(string(quantisation), func(t *testing.T) {
			indextest.Contract(t, opener(real(t), qdrant.Schema{Quantisation: quantisation}))
			graph := real(t)
			graph.ExactUpTo = -1
			indextest.Approximate(t, opener(graph, qdrant.Schema{Quantisation: quantisation}))
		})
	}
}
