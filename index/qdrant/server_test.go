package qdrant_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"engram/index"
	"engram/index/qdrant"
	"engram/index/qdrant/double"

	api "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc/codes"
)

// create makes a collection on a double.
func create(t testing.TB, server *double.Server, opts qdrant.Options, schema qdrant.Schema) *qdrant.Store {
	t.Helper()
	opts.Addr = server.Addr()
	if opts.Collection == "" {
		opts.Collection = "photos"
	}
	if schema.Dim == 0 {
		schema.Dim = 2
	}
	store, err := qdrant.Create(t.Context(), opts, schema)
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

var query = index.Query{Vector: []float32{1, 0}, K: 3}

func TestRetries(t *testing.T) {
	t.Parallel()
	repeat := func(fault double.Fault, n int) []double.Fault {
		var faults []double.Fault
		for range n {
			faults = append(faults, fault)
		}
		return faults
	}
	busy := double.Fault{Code: codes.ResourceExhausted, RetryAfter: 1}
	for _, test := range []struct {
		name   string
		faults []double.Fault
		calls  int
		want   error // nil for success
	}{
		{"no fault", nil, 1, nil},
		{"away for two attempts", repeat(double.Fault{Code: codes.Unavailable}, 2), 3, nil},
		{"away for all attempts", repeat(double.Fault{Code: codes.Unavailable}, 9), 4, index.ErrUnavailable},
		{"busy once", repeat(busy, 1), 2, nil},
		{"busy for longer than one waits", repeat(double.Fault{Code: codes.ResourceExhausted, RetryAfter: 3600}, 9), 1, index.ErrUnavailable},
		{"out of memory", repeat(double.Fault{Code: codes.ResourceExhausted}, 9), 1, errOther},
		{"broken", repeat(double.Fault{Code: codes.Internal}, 9), 1, errOther},
		{"too slow", repeat(double.Fault{Delay: time.Minute}, 9), 1, index.ErrUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // they mostly wait
			// With connections of its own, a retry of the client's would multiply.
			for range 3 {
				server := start(t, double.Options{})
				// A busy machine takes a part of a second to connect.
				store := create(t, server, qdrant.Options{Attempts: 4, Timeout: 2 * time.Second}, qdrant.Schema{})
				server.Fail("Points/Query", test.faults...)
				began := time.Now()
				_, err := store.Search(t.Context(), query)
				if !is(err, test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
				if got := server.Calls("Points/Query"); got != test.calls {
					t.Errorf("%d calls, want %d", got, test.calls)
				}
				took := time.Since(began)
				if took > 5*time.Second || test.name == "busy once" && took < time.Second {
					t.Errorf("it took %v", took)
				}
				if err != nil && (strings.Contains(err.Error(), "rpc error") || !strings.Contains(err.Error(), server.Addr())) {
					t.Errorf("the message is %q, wanted one sentence that names the server", err)
				}
			}
		})
	}
}

// errOther is any error that package index has no name for.
var errOther = errors.New("any other error")

func is(err, want error) bool {
	if !errors.Is(want, errOther) {
		return errors.Is(err, want)
	}
	for _, known := range []error{index.ErrUnavailable, index.ErrNotFound, index.ErrClosed, context.Canceled, fs.ErrPermission} {
		if errors.Is(err, known) {
			return false
		}
	}
	return err != nil
}

func TestContextEndsWaits(t *testing.T) {
	server := start(t, double.Options{})
	store := create(t, server, qdrant.Options{}, qdrant.Schema{})
	server.Fail("Points/Query", double.Fault{Code: codes.ResourceExhausted, RetryAfter: 9}, double.Fault{Delay: time.Minute})
	for range 2 { // in a wait between attempts, and in a call
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		began := time.Now()
		if _, err := store.Search(ctx, query); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, index.ErrUnavailable) {
			t.Errorf("error %v, want that of the context", err)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("it took %v", took)
		}
	}
	if got := server.Calls("Points/Query"); got != 2 {
		t.Errorf("%d calls, want 2", got)
	}
}

// A writer that waits for the server keeps readers waiting, who may give up.
func TestContextEndsTheWaitForAWriter(t *testing.T) {
	t.Parallel()
	server := start(t, double.Options{})
	store := create(t, server, qdrant.Options{Timeout: 2 * time.Second}, qdrant.Schema{})
	server.Fail("Points/Upsert", double.Fault{Delay: time.Second})
	done := make(chan error)
	go func() { done <- store.Upsert(t.Context(), []index.Item{{Vector: []float32{1, 0}}}) }()
	for server.Calls("Points/Upsert") == 0 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := store.Search(ctx, query); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of the context", err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestLargeReplies(t *testing.T) {
	server := start(t, double.Options{})
	store := create(t, server, qdrant.Options{}, qdrant.Schema{})
	text := strings.Repeat("x", 1<<20)
	for id := range index.ID(6) { // 6 MiB, where gRPC's own limit is 4
		if err := store.Upsert(t.Context(), []index.Item{{ID: id, Vector: []float32{1, 0}, Payload: index.Payload{"text": text}}}); err != nil {
			t.Fatal(err)
		}
	}
	q := index.Query{Vector: []float32{1, 0}, K: 6, WithPayload: true}
	if hits, err := store.Search(t.Context(), q); err != nil || len(hits) != 6 {
		t.Errorf("%d hits, error %v", len(hits), err)
	}
	small, err := qdrant.Open(t.Context(), qdrant.Options{Addr: server.Addr(), Collection: "photos", MaxReply: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer small.Close()
	before := server.Calls("Points/Query")
	if _, err := small.Search(t.Context(), q); !is(err, errOther) || !strings.Contains(err.Error(), "larger than max") {
		t.Errorf("error %v, want one that says what is too large", err)
	}
	if got := server.Calls("Points/Query") - before; got != 1 {
		t.Errorf("%d calls for a reply that is too large, want 1", got)
	}
}

func TestAPIKey(t *testing.T) {
	server := start(t, double.Options{APIKey: "secret", ReadKey: "reader"})
	store := create(t, server, qdrant.Options{APIKey: "secret"}, qdrant.Schema{})
	if err := store.Upsert(t.Context(), []index.Item{{ID: 7, Vector: []float32{1, 0}, Payload: index.Payload{"caption": "a red car"}}}); err != nil {
		t.Fatal(err)
	}
	if got := server.Header("api-key"); len(got) != 1 || got[0] != "secret" {
		t.Errorf("the key sent is %q", got)
	}
	for _, key := range []string{"", "wrong"} {
		_, err := qdrant.Open(t.Context(), qdrant.Options{Addr: server.Addr(), Collection: "photos", APIKey: key})
		if !errors.Is(err, fs.ErrPermission) || strings.Contains(err.Error(), "wrong") {
			t.Errorf("with the key %q: error %v, want fs.ErrPermission", key, err)
		}
	}
	reader, err := qdrant.Open(t.Context(), qdrant.Options{Addr: server.Addr(), Collection: "photos", APIKey: "reader"})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := reader.Upsert(t.Context(), []index.Item{{Vector: []float32{1, 0}}}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("write with a key for reading: error %v", err)
	}
	// It may not make the index that the server needs for texts.
	for words, want := range map[string]int{"car": 1, "boat": 0} {
		for _, filter := range []index.Filter{index.Text{Key: "caption", Words: words}, index.Not{Filter: index.Not{Filter: index.Text{Key: "caption", Words: words}}}} {
			hits, err := reader.Search(t.Context(), index.Query{Vector: []float32{1, 0}, K: 3, Filter: filter})
			if err != nil || len(hits) != want {
				t.Errorf("%v: %d hits, error %v; want %d", filter, len(hits), err, want)
			}
		}
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	authority := httptest.NewTLSServer(nil) // for its certificate
	defer authority.Close()
	roots := authority.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	server := start(t, double.Options{TLS: &authority.TLS.Certificates[0], APIKey: "secret"})
	create(t, server, qdrant.Options{TLS: &tls.Config{RootCAs: roots}, APIKey: "secret"}, qdrant.Schema{})
	for name, config := range map[string]*tls.Config{"plain text": nil, "unknown authority": {}} {
		_, err := qdrant.Open(t.Context(), qdrant.Options{Addr: server.Addr(), Collection: "photos", TLS: config, APIKey: "secret"})
		if !errors.Is(err, index.ErrUnavailable) {
			t.Errorf("%s: error %v, want index.ErrUnavailable", name, err)
		}
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	server := start(t, double.Options{})
	create(t, server, qdrant.Options{}, qdrant.Schema{})
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, addr, collection string
		want                   error
	}{
		{"no such collection", server.Addr(), "paintings", index.ErrNotFound},
		{"no server", closed.Addr().String(), "photos", index.ErrUnavailable},
		{"no answer", silent.Addr().String(), "photos", index.ErrUnavailable},
		{"no port", "localhost", "photos", errOther},
		{"port 0", "localhost:0", "photos", errOther},
		{"no number", "localhost:qdrant", "photos", errOther},
		{"no address", "", "photos", errOther},
		{"no collection", server.Addr(), "", errOther},
		{"old server", start(t, double.Options{Version: "1.16.3"}).Addr(), "photos", qdrant.ErrVersion},
		{"new server", start(t, double.Options{Version: "2.0.0"}).Addr(), "photos", qdrant.ErrVersion},
		{"odd server", start(t, double.Options{Version: "dev"}).Addr(), "photos", qdrant.ErrVersion},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // they mostly wait
			began := time.Now()
			_, err := qdrant.Open(t.Context(), qdrant.Options{Addr: test.addr, Collection: test.collection, Timeout: time.Second})
			if !is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if took := time.Since(began); took > 6*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
	for _, version := range []string{"1.17.0", "1.18.3", "1.19.0-dev", "v1.20.1"} {
		create(t, start(t, double.Options{Version: version}), qdrant.Options{}, qdrant.Schema{})
	}
}

// A write is only done when the server says so.
func TestStatusOfWrites(t *testing.T) {
	for _, status := range []api.UpdateStatus{api.UpdateStatus_Acknowledged, api.UpdateStatus_WaitTimeout, api.UpdateStatus_ClockRejected, api.UpdateStatus_UnknownUpdateStatus} {
		server := start(t, double.Options{})
		store := create(t, server, qdrant.Options{}, qdrant.Schema{})
		for _, method := range []string{"Points/Upsert", "Points/Delete", "Points/CreateFieldIndex"} {
			server.Tamper(method, func(_, reply any) { reply.(*api.PointsOperationResponse).Result.Status = status })
		}
		if err := store.Upsert(t.Context(), []index.Item{{Vector: []float32{1, 0}}}); !errors.Is(err, index.ErrUnavailable) {
			t.Errorf("%v: upsert: error %v", status, err)
		}
		if n, err := store.Delete(t.Context(), []index.ID{0}); n != 0 || !errors.Is(err, index.ErrUnavailable) {
			t.Errorf("%v: delete: %d, error %v", status, n, err)
		}
		words := query
		words.Filter = index.Text{Key: "caption", Words: "car"}
		if _, err := store.Search(t.Context(), words); !errors.Is(err, index.ErrUnavailable) {
			t.Errorf("%v: search that needs an index: error %v", status, err)
		}
	}
}

func TestServerComesBack(t *testing.T) {
	t.Parallel()
	server, err := double.Start(double.Options{})
	if err != nil {
		t.Fatal(err)
	}
	store := create(t, server, qdrant.Options{}, qdrant.Schema{})
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	_, err = store.Search(t.Context(), query)
	if !errors.Is(err, index.ErrUnavailable) {
		t.Errorf("error %v, want index.ErrUnavailable", err)
	}
	if text := fmt.Sprint(err); strings.Count(text, "index unavailable") != 1 {
		t.Errorf("the message is %q", text)
	}
}
