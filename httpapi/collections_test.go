package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/httpapi/internal/problem"
	"engram/index"
	"engram/index/local"
)

// folderOf keeps collections in a folder, as engram serve does.
type folderOf struct {
	dir    string
	like   Options
	opened map[string]*Collection
}

func (f *folderOf) Names(context.Context) ([]string, error) {
	return slices.Sorted(maps.Keys(f.opened)), nil
}

func (f *folderOf) Open(_ context.Context, name string) (*Collection, error) {
	if found := f.opened[name]; found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("%s: %w", filepath.Join(f.dir, name), index.ErrNotFound)
}

func (f *folderOf) Create(_ context.Context, c NewCollection) error {
	if f.opened[c.Name] != nil {
		return fs.ErrExist
	}
	store, err := local.Create(filepath.Join(f.dir, c.Name), local.Options{Dim: c.Dim, Space: c.Space})
	if err == nil {
		f.opened[c.Name] = &Collection{Store: store, Encoder: f.like.Encoder, Text: f.like.Text}
	}
	return err
}

func (f *folderOf) Drop(_ context.Context, name string) error {
	err := errors.Join(f.opened[name].Store.Close(), local.Drop(filepath.Join(f.dir, name)))
	delete(f.opened, name)
	return err
}

// withCollections returns the options of a server that keeps collections.
func withCollections(t *testing.T) Options {
	t.Helper()
	opts := writable(t)
	f := &folderOf{dir: t.TempDir(), like: opts, opened: map[string]*Collection{}}
	t.Cleanup(func() {
		for _, c := range f.opened {
			c.Store.Close()
		}
	})
	opts.Collections = f
	return opts
}

// A collection is created, written, searched and dropped, and the others know nothing of it.
func TestCollections(t *testing.T) {
	opts := withCollections(t)
	copied := filepath.Join(t.TempDir(), "copy")
	opts.Snapshot = func(ctx context.Context, name string, store index.Store) (string, error) {
		return name + "-1", store.(index.Snapshotter).Snapshot(ctx, copied)
	}
	s := newServer(t, opts)
	created := decodeBody[collectionView](t, call(t, s, here("POST", "/v1/collections", `{"name":"birds"}`)), http.StatusCreated)
	if created.Name != "birds" || created.Dim != 3 || created.Model.Name != "colour 1" || created.Count != 0 || !created.Writable || created.Default {
		t.Errorf("created %+v", created)
	}
	decodeBody[collectionView](t, call(t, s, here("POST", "/v1/collections", `{"name":"other","dim":2}`)), http.StatusCreated)
	const put = `{"items":[{"id":1,"vector":[1,0,0],"payload":{"path":"red.png"}},{"id":2,"vector":[0,1,0]}]}`
	decodeBody[writtenView](t, call(t, s, here("POST", "/v1/collections/birds/items", put)), 200)
	decodeBody[writtenView](t, call(t, s, here("PUT", "/v1/collections/birds/items/3", `{"vector":[0,0,1]}`)), 200)
	decodeBody[writtenView](t, call(t, s, here("DELETE", "/v1/collections/birds/items/2", "")), 200)
	for body, want := range map[string]string{`{"text":"red"}`: "[1 3]", `{"item":3}`: "[1]", `{"vector":[0,0,1],"k":1}`: "[3]"} {
		if got := hitIDs(t, call(t, s, here("POST", "/v1/collections/birds/search", body))); fmt.Sprint(got) != want {
			t.Errorf("%s finds %v, wanted %s", body, got, want)
		}
	}
	if list := decodeBody[itemList](t, get(t, s, "/v1/items"), 200); list.Total != 0 {
		t.Errorf("the default collection has %d items", list.Total)
	}
	type names struct{ Collections []collectionNamed }
	if list := decodeBody[names](t, get(t, s, "/v1/collections"), 200); fmt.Sprint(list) != "{[{colours true} {birds false} {other false}]}" {
		t.Errorf("the collections are %v", list)
	}
	if list := decodeBody[[]string](t, get(t, s, "/indices-list"), 200); fmt.Sprint(list) != "[colours birds other]" {
		t.Errorf("clip-retrieval's clients see %v", list)
	}
	byText := clipClient(t, `"text": null`, `"text": "red"`, `"colours"`, `"birds"`, `"deduplicate": true`, `"deduplicate": false`)
	if hits := decodeBody[[]knnHit](t, call(t, s, byText), 200); len(hits) != 2 || hits[0].ID != 1 || hits[0].URL != "" {
		t.Errorf("clip-retrieval's client finds %+v", hits)
	}
	if own := decodeBody[collectionView](t, get(t, s, "/v1/collections/colours"), 200); !own.Default {
		t.Errorf("the default collection is %+v", own)
	}
	if r := decodeBody[recallView](t, get(t, s, "/v1/collections/birds/recall"), 200); r.Items != 2 || r.Exact != 2 {
		t.Errorf("recall %+v", r)
	}
	if made := call(t, s, here("POST", "/v1/collections/birds/snapshots", "")); made.Code != 201 || !local.Exists(copied) {
		t.Errorf("a snapshot: status %d, %s", made.Code, made.Body)
	}
	for address, want := range map[string]string{
		"POST /v1/collections {\"name\":\"birds\"}": "already-there", "POST /v1/collections {\"name\":\"colours\"}": "already-there",
		"POST /v1/collections {\"name\":\"../x\"}": "unusable-query", "POST /v1/collections {\"name\":\"\"}": "unusable-query",
		"POST /v1/collections {\"name\":\"a\",\"dim\":-1}": "unusable-query", "POST /v1/collections {\"name\":\"a\",\"size\":1}": "unreadable-body",
		"POST /v1/collections/none/search {\"item\":1}": "no-such-collection", "GET /v1/collections/.. ": "no-such-collection",
		"DELETE /v1/collections/colours ": "forbidden", "DELETE /v1/collections/none ": "no-such-collection",
		"POST /v1/collections/other/search {\"vector\":[1,0,0]}": "wrong-dimension", "POST /v1/collections/other/search {\"text\":\"red\"}": "another-model",
		"POST /v1/collections/birds/search {\"trial\":\"t1\"}": "no-such-trial",
	} {
		part := strings.SplitN(address, " ", 3)
		w := call(t, s, here(part[0], part[1], part[2]))
		if p := decodeBody[problem.Details](t, w, w.Code); !strings.HasSuffix(p.Type, ":"+want) || strings.Contains(p.Detail, "/tmp") {
			t.Errorf("%s: %d %s, %s, wanted %s", address, w.Code, p.Type, p.Detail, want)
		}
	}
	decodeBody[statusView](t, call(t, s, here("DELETE", "/v1/collections/birds", "")), 200)
	decodeBody[problem.Details](t, get(t, s, "/v1/collections/birds"), 404)
	decodeBody[collectionView](t, call(t, s, here("POST", "/v1/collections", `{"name":"birds"}`)), http.StatusCreated)
	if list := decodeBody[itemList](t, get(t, s, "/v1/collections/birds/items"), 200); list.Total != 0 {
		t.Errorf("the collection that was created again has %d items", list.Total)
	}
}

// A server without a folder of collections has its own index under its name.
func TestOneCollection(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	if w := get(t, s, "/v1/collections/colours/items/1"); w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
	opts := writable(t)
	s = newServer(t, opts)
	for _, r := range []*http.Request{here("POST", "/v1/collections", `{"name":"a"}`), here("POST", "/v1/collections/colours/snapshots", "")} {
		decodeBody[problem.Details](t, call(t, s, r), http.StatusNotImplemented)
	}
}

func TestDecode(t *testing.T) {
	opts := fakeOptions(t)
	s := newServer(t, opts)
	got := decodeBody[decodedView](t, post(t, s, "/v1/decode", "application/json", []byte(`{"voxels":[[3,0,4,9,9],[3,0,4,-9,9]]}`)), 200)
	want, err := opts.Decoder.Decode(t.Context(), [][]float32{{3, 0, 4, 9, 9}, {3, 0, 4, -9, 9}})
	if err != nil || !slices.Equal(got.Vector, want) || got.Query.Repeats != 2 || got.Model.Name != "colour 1" {
		t.Errorf("decoded %+v, wanted %v, %v", got, want, err)
	}
	decodeBody[decodedView](t, post(t, s, "/v1/decode", "application/json", []byte(`{"trial":"t1"}`)), 200)
	for body, want := range map[string]int{`{"text":"red"}`: 400, `{"voxels":[1]}`: 422, `{"trial":"none"}`: 404} {
		if w := post(t, s, "/v1/decode", "application/json", []byte(body)); w.Code != want {
			t.Errorf("%s: status %d, wanted %d", body, w.Code, want)
		}
	}
}

// The page of the interface names every route, and a browser asks no other host for it.
func TestDocsAreWhole(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	w := get(t, s, "/docs")
	body := w.Body.String()
	for path, item := range openSpecification(t).doc.Paths.Map() {
		for method := range item.Operations() {
			if !strings.Contains(body, method+" "+path+`"`) {
				t.Errorf("the page lacks %s %s", method, path)
			}
		}
	}
	for _, want := range []string{`{&#34;text&#34;: &#34;a dog on a beach&#34;}`, "<code>birds</code>",
		"echo zczMPc3MTD6amZk&#43; | base64 -d &gt;vector.bin\ncurl -H &#39;Content-Type: application/octet-stream&#39; --data-binary @vector.bin &#39;HOST/v1/collections/birds/search?kind=vector&#39;",
		"curl -F &#39;image=@picture.png;type=image/png&#39; -F &#39;k=5&#39; -F &#39;text=at night&#39; -F &#39;weight=0.5&#39; &#39;HOST/v1/search&#39;",
		"<code>{&#34;key&#34;: &#34;categories&#34;, &#34;equal&#34;: &#34;zebra&#34;}</code>"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks the example %s", want)
		}
	}
	for _, foreign := range []string{"src=", "@import", "url(", "<script", "<link"} {
		if strings.Contains(body, foreign) {
			t.Errorf("the page has %s", foreign)
		}
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "style-src 'sha256-") {
		t.Errorf("the policy is %s", policy)
	}
}
