package httpapi_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"

	"engram/httpapi"
	"engram/index"
)

// pair is a store of two items; a program opens one of index/local instead.
type pair struct{ index.Store }

func (pair) Info(context.Context) (index.Info, error) {
	return index.Info{Engine: "local", Dim: 2, Count: 2}, nil
}

func (pair) Search(_ context.Context, q index.Query) ([]index.Hit, error) {
	hits := []index.Hit{{ID: 7, Score: .8}, {ID: 9, Score: .6}}
	return hits[:min(q.K, 2)], nil
}

func (pair) All(context.Context) iter.Seq2[index.Item, error] {
	return func(func(index.Item, error) bool) {}
}

func Example() {
	server, err := httpapi.New(httpapi.Options{Store: pair{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	// A program calls server.Serve(ctx, listener) instead.
	request := httptest.NewRequest(http.MethodPost, "/v1/search", strings.NewReader(`{"vector": [0.8, 0.6], "k": 2}`))
	request.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	server.Handler().ServeHTTP(answer, request)
	_, hits, _ := strings.Cut(answer.Body.String(), `"hits":`)
	fmt.Println(answer.Code, strings.TrimSpace(hits))
	// Output: 200 [{"id":"7","payload":{},"score":0.8},{"id":"9","payload":{},"score":0.6}]}
}
