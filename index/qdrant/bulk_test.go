package qdrant_test

import (
	"context"
	"errors"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"engram/data/progress"
	"engram/index"
	"engram/index/qdrant"
	"engram/index/qdrant/double"

	api "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc/codes"
)

const bulkDim = 256

// manyItems yields n items of random directions.
func manyItems(n int) iter.Seq2[index.Item, error] {
	return func(yield func(index.Item, error) bool) {
		rng := rand.New(rand.NewPCG(5, 6))
		for id := range index.ID(n) {
			vector := make([]float32, bulkDim)
			for i := range vector {
				vector[i] = float32(rng.NormFloat64())
			}
			if !yield(index.Item{ID: id, Vector: vector, Payload: index.Payload{"id": int64(id)}}, nil) {
				return
			}
		}
	}
}

// checkLoaded compares a store with manyItems.
func checkLoaded(t *testing.T, store *qdrant.Store, n int) {
	t.Helper()
	next, stop := iter.Pull2(manyItems(n))
	defer stop()
	seen := 0
	for item, err := range store.All(t.Context()) {
		want, _, ok := next()
		if err != nil || !ok || item.ID != want.ID || item.Payload["id"] != int64(item.ID) {
			t.Fatalf("item %v, error %v; want %v", item, err, want)
		}
		seen++
	}
	if info, err := store.Info(t.Context()); seen != n || err != nil || info.Count != n {
		t.Errorf("%d items, info %+v, error %v; want %d", seen, info, err, n)
	}
}

func TestUpload(t *testing.T) {
	server := start(t, double.Options{Looks: 3})
	store := create(t, server, qdrant.Options{}, qdrant.Schema{Dim: bulkDim})
	var waited, total int
	var thresholds []uint64
	server.Tamper("Points/Upsert", func(request, _ any) {
		r := request.(*api.UpsertPoints)
		if total++; r.GetWait() {
			waited++
		}
		if len(r.Points) > 256 {
			t.Errorf("a request of %d points", len(r.Points))
		}
	})
	server.Tamper("Collections/Update", func(request, _ any) {
		thresholds = append(thresholds, request.(*api.UpdateCollection).GetOptimizersConfig().GetIndexingThreshold())
	})
	last, calls := int64(0), 0
	const n = 12_000 // more than the threshold
	err := store.Upload(t.Context(), manyItems(n), func(r progress.Report) {
		if calls++; r.Stage != index.Indexing || r.Done < last || r.Total != n {
			t.Errorf("progress went from %d to %d of %d, %s", last, r.Done, r.Total, r.Stage)
		}
		last = r.Done
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := n/256 + 2; total != want || waited != n/256/32+1 {
		t.Errorf("%d requests, %d of them waited for; want %d, every 32nd and the last", total, waited, want)
	}
	if len(thresholds) != 2 || thresholds[0] != 0 || thresholds[1] != 10_000 {
		t.Errorf("the indexing threshold was set to %v, want off and on", thresholds)
	}
	if calls != 4 || last != n {
		t.Errorf("%d calls of progress, the last with %d; want 4 and %d", calls, last, n)
	}
	checkLoaded(t, store, n)
}

func TestUploadSmall(t *testing.T) {
	for _, n := range []int{0, 1, 256, 257} {
		store := create(t, start(t, double.Options{}), qdrant.Options{}, qdrant.Schema{Dim: bulkDim})
		if err := store.Upload(t.Context(), manyItems(n), nil); err != nil {
			t.Fatal(err)
		}
		checkLoaded(t, store, n)
	}
}

func TestUploadToServer(t *testing.T) {
	const n = 50_000
	store := createReal(t, qdrant.Schema{Dim: bulkDim, Shards: 2})
	began := time.Now()
	var last int64
	if err := store.Upload(t.Context(), manyItems(n), func(r progress.Report) { last = r.Done }); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d items of dimension %d in %v, %d in the graph", n, bulkDim, time.Since(began), last)
	checkLoaded(t, store, n)
}

// A load that breaks off is begun again.
func TestUploadResumes(t *testing.T) {
	server := start(t, double.Options{})
	store := create(t, server, qdrant.Options{Attempts: 2}, qdrant.Schema{Dim: bulkDim})
	const n = 5000
	faults := make([]double.Fault, 6)
	faults = append(faults, double.Fault{Code: codes.Internal})
	server.Fail("Points/Upsert", faults...)
	if err := store.Upload(t.Context(), manyItems(n), nil); !is(err, errOther) {
		t.Fatalf("error %v, want that of the server", err)
	}
	errSource := errors.New("the source broke")
	broken := func(yield func(index.Item, error) bool) {
		for item := range manyItems(1000) {
			if !yield(item, nil) {
				return
			}
		}
		yield(index.Item{}, errSource)
	}
	if err := store.Upload(t.Context(), broken, nil); !errors.Is(err, errSource) {
		t.Fatalf("error %v, want that of the source", err)
	}
	again, err := qdrant.Open(t.Context(), qdrant.Options{Addr: server.Addr(), Collection: "photos"})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.Upload(t.Context(), manyItems(n), nil); err != nil {
		t.Fatal(err)
	}
	checkLoaded(t, again, n)
}

// Bad items are refused as by Upsert, and what is under way ends.
func TestUploadRefuses(t *testing.T) {
	store := create(t, start(t, double.Options{}), qdrant.Options{}, qdrant.Schema{Dim: bulkDim})
	bad := func(yield func(index.Item, error) bool) {
		for i := 0; ; i++ { // does not end by itself
			if !yield(index.Item{ID: index.ID(i), Vector: make([]float32, bulkDim)}, nil) {
				return
			}
		}
	}
	if err := store.Upload(t.Context(), bad, nil); !is(err, index.ErrVector) {
		t.Errorf("error %v, want index.ErrVector", err)
	}
}

// Between BeginBulk and EndBulk writes are not waited for.
func TestBulkUpserts(t *testing.T) {
	server := start(t, double.Options{})
	store := create(t, server, qdrant.Options{}, qdrant.Schema{Dim: bulkDim})
	if err := store.BeginBulk(t.Context()); err != nil {
		t.Fatal(err)
	}
	var items []index.Item
	for item := range manyItems(700) {
		items = append(items, item)
	}
	if err := store.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	if info, err := store.Info(t.Context()); err != nil || info.Count != 0 {
		t.Errorf("info %+v, error %v: the double had not been made to wait", info, err)
	}
	if err := store.EndBulk(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	checkLoaded(t, store, 700)
	if err := store.Upsert(t.Context(), []index.Item{{ID: 700, Vector: items[0].Vector}}); err != nil {
		t.Fatal(err)
	}
	if items, err := store.Get(t.Context(), []index.ID{700}); err != nil || len(items) != 1 {
		t.Errorf("%d items, error %v; want upserts to be waited for again", len(items), err)
	}
}

// A bulk load waits for a server that is away for more attempts than another call makes, and
// does not once it has ended.
func TestABulkLoadWaitsForTheServer(t *testing.T) {
	t.Parallel()
	server := start(t, double.Options{})
	store := create(t, server, qdrant.Options{Attempts: 1}, qdrant.Schema{Dim: bulkDim})
	away := []double.Fault{{Code: codes.Unavailable}, {Code: codes.Unavailable}}
	server.Fail("Points/Upsert", away...)
	server.Fail("Collections/Get", away...)
	var items []index.Item
	for item := range manyItems(300) {
		items = append(items, item)
	}
	if err := store.BeginBulk(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Fail("Collections/Update", away...)
	if err := errors.Join(store.Upsert(t.Context(), items), store.EndBulk(t.Context(), nil)); err != nil {
		t.Fatal(err)
	}
	checkLoaded(t, store, 300)
	server.Fail("Points/Upsert", away...)
	if err := store.Upsert(t.Context(), items); !is(err, index.ErrUnavailable) {
		t.Errorf("after the load: error %v, want index.ErrUnavailable", err)
	}
}

// Payloads are replaced of items that a bulk load has sent and the server has not applied,
// and stay so when the load ends.
func TestPayloadsAreSetDuringABulkLoad(t *testing.T) {
	server := start(t, double.Options{})
	store := create(t, server, qdrant.Options{}, qdrant.Schema{Dim: bulkDim})
	if err := store.BeginBulk(t.Context()); err != nil {
		t.Fatal(err)
	}
	var items []index.Item
	payloads := map[index.ID]index.Payload{}
	for item := range manyItems(600) {
		items = append(items, item)
		payloads[item.ID] = index.Payload{"new": true}
	}
	if err := store.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	if n, err := store.SetPayloads(t.Context(), payloads); n != len(items) || err != nil {
		t.Fatalf("%d payloads were set, error %v; want %d", n, err, len(items))
	}
	if err := store.EndBulk(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	got, err := store.Get(t.Context(), slices.Collect(maps.Keys(payloads)))
	if err != nil || len(got) != len(items) {
		t.Fatalf("%d items, error %v; want %d", len(got), err, len(items))
	}
	for _, item := range got {
		if item.Payload["new"] != true {
			t.Fatalf("item %d has the payload %v", item.ID, item.Payload)
		}
	}
}

func TestOptimiserThatWaitsIsNudged(t *testing.T) {
	server := start(t, double.Options{Grey: true, Looks: 1})
	store := create(t, server, qdrant.Options{}, qdrant.Schema{Dim: bulkDim})
	const n = 12_000
	if err := store.Upload(t.Context(), manyItems(n), nil); err != nil {
		t.Fatal(err)
	}
	if got := server.Calls("Collections/Update"); got != 3 {
		t.Errorf("%d updates of the collection, want off, on and a nudge", got)
	}
}

func TestBrokenCollection(t *testing.T) {
	server := start(t, double.Options{})
	store := create(t, server, qdrant.Options{}, qdrant.Schema{Dim: bulkDim})
	server.Tamper("Collections/Get", func(_, reply any) {
		info := reply.(*api.GetCollectionInfoResponse).Result
		info.Status, info.OptimizerStatus = api.CollectionStatus_Red, &api.OptimizerStatus{Error: "no space left on device"}
	})
	err := store.Upload(t.Context(), manyItems(10), nil)
	if err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("error %v, want that of the optimiser", err)
	}
}

func TestWaitForOptimiserEnds(t *testing.T) {
	server := start(t, double.Options{})
	store := create(t, server, qdrant.Options{}, qdrant.Schema{Dim: bulkDim})
	server.Tamper("Collections/Get", func(_, reply any) {
		reply.(*api.GetCollectionInfoResponse).Result.Status = api.CollectionStatus_Yellow
	})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := store.Upload(ctx, manyItems(10), nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of the context", err)
	}
}

// Who closes the store in the midst of a load leaves a collection that the
// server goes on to optimise.
func TestCloseEndsBulkLoad(t *testing.T) {
	server := start(t, double.Options{Looks: 1000})
	store := create(t, server, qdrant.Options{}, qdrant.Schema{Dim: bulkDim})
	var threshold uint64
	server.Tamper("Collections/Update", func(request, _ any) {
		threshold = request.(*api.UpdateCollection).GetOptimizersConfig().GetIndexingThreshold()
	})
	ctx, cancel := context.WithCancel(t.Context())
	err := store.Upload(ctx, manyItems(12_000), func(progress.Report) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if err := store.BeginBulk(t.Context()); err != nil || threshold != 0 {
		t.Errorf("threshold %d, error %v", threshold, err)
	}
	other := open(t, qdrant.Options{Addr: server.Addr(), Collection: store.Collection()})
	if loading, err := other.Loading(t.Context()); !loading || err != nil {
		t.Errorf("loading: %v, error %v; want true", loading, err)
	}
	if err := store.Close(); err != nil || threshold != 10_000 {
		t.Errorf("after Close the threshold is %d, error %v; want 10000", threshold, err)
	}
	if loading, err := other.Loading(t.Context()); loading || err != nil {
		t.Errorf("loading after Close: %v, error %v; want false", loading, err)
	}
}
