package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"engram/data/space"
	"engram/embed"
	"engram/embed/pixels"
	"engram/httpapi/pictures"
	"engram/index"
)

// memStore is an index.Store of a few items, kept by brute force.
type memStore struct {
	index.Store // nil: the server sets no labels
	mu          sync.Mutex
	info        index.Info
	items       map[index.ID]index.Item
	fail        error // of every call, where set
	asked       index.Query
}

func (m *memStore) Info(ctx context.Context) (index.Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	info := m.info
	info.Count = len(m.items)
	return info, cmp.Or(m.fail, ctx.Err())
}

func (m *memStore) Upsert(_ context.Context, items []index.Item) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, item := range items {
		m.items[item.ID] = item
	}
	return m.fail
}

func (m *memStore) Delete(context.Context, []index.ID) (int, error) { return 0, m.fail }

func (m *memStore) Get(ctx context.Context, ids []index.ID) ([]index.Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []index.Item
	for _, id := range ids {
		if item, ok := m.items[id]; ok {
			found = append(found, item)
		}
	}
	return found, cmp.Or(m.fail, ctx.Err())
}

func (m *memStore) Search(ctx context.Context, q index.Query) ([]index.Hit, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = q
	if err := cmp.Or(m.fail, ctx.Err(), q.Check()); err != nil {
		return nil, err
	}
	query := slices.Clone(q.Vector)
	if err := embed.Normalize(query); err != nil {
		return nil, fmt.Errorf("query: %w: %w", err, index.ErrVector)
	}
	var hits []index.Hit
	for _, item := range m.items {
		if q.Filter != nil && !q.Filter.Match(item.Payload) {
			continue
		}
		hits = append(hits, index.Hit{ID: item.ID, Score: float32(embed.Dot(query, item.Vector)), Payload: item.Payload})
	}
	if q.Explain != nil {
		*q.Explain = index.Explanation{Path: index.ByScan, Scanned: len(m.items)}
	}
	slices.SortFunc(hits, func(a, b index.Hit) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.ID, b.ID))
	})
	return hits[:min(q.K, len(hits))], nil
}

func (m *memStore) All(context.Context) iter.Seq2[index.Item, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := slices.Sorted(maps.Keys(m.items))
	return func(yield func(index.Item, error) bool) {
		for _, id := range ids {
			if !yield(m.items[id], m.fail) {
				return
			}
		}
	}
}

func (m *memStore) CountValues(_ context.Context, key string) ([]index.ValueCount, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	counts := index.ValueCounts{}
	for _, item := range m.items {
		counts.Add(item.Payload[key])
	}
	return counts.Sorted(), m.fail
}

// mark adds a value to the payload of an item.
func (m *memStore) mark(id index.ID, key string, value any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	item := m.items[id]
	item.Payload = maps.Clone(item.Payload)
	item.Payload[key] = value
	m.items[id] = item
}

func (m *memStore) Flush(context.Context) error { return nil }
func (m *memStore) Close() error                { return nil }

// encodeColour embeds an image as its mean colour.
func encodeColour(ctx context.Context, raw []byte) ([]float32, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	img, _, err := image.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("the bytes are no PNG: %w", pixels.ErrFormat)
	}
	return meanColour(img), nil
}

func meanColour(img image.Image) []float32 {
	var sum [3]float32
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, b, _ := img.At(x, y).RGBA()
			sum[0], sum[1], sum[2] = sum[0]+float32(r), sum[1]+float32(g), sum[2]+float32(b)
		}
	}
	v := sum[:]
	if err := embed.Normalize(v); err != nil {
		panic(err)
	}
	return v
}

// encodeWord embeds the name of a colour as that colour, and cuts texts of more
// than four words.
func encodeWord(ctx context.Context, text string) ([]float32, bool, error) {
	words := strings.Fields(text)
	vector := make([]float32, 3)
	for _, word := range words[:min(4, len(words))] {
		for id, name := range colourNames {
			if c := colours[id]; name == word {
				vector[0], vector[1], vector[2] = vector[0]+float32(c.R), vector[1]+float32(c.G), vector[2]+float32(c.B)
			}
		}
	}
	if embed.Norm(vector) == 0 {
		return nil, false, embed.Sentence(embed.ErrText, "the model knows no word of %q", text)
	}
	return vector, len(words) > 4, cmp.Or(ctx.Err(), embed.Normalize(vector))
}

// colourEncoder is an encoder of mean colours.
func colourEncoder(of space.Space) *Encoder { return &Encoder{Space: of, Encode: encodeColour} }

// firstThree is a decoder of scans of five voxels.
func firstThree(of space.Space) *Decoder {
	return &Decoder{Name: "first three", Data: "made up", Voxels: 5, Space: of, Decode: decodeFirstThree}
}

// decodeFirstThree decodes a scan as the mean of its first three voxels.
func decodeFirstThree(ctx context.Context, repeats [][]float32) ([]float32, error) {
	mean := make([]float32, 3)
	for _, row := range repeats {
		for i := range mean {
			mean[i] += row[i]
		}
	}
	return mean, cmp.Or(ctx.Err(), embed.Normalize(mean))
}

// The items of the fake world: five flat pictures, the last with an id that a
// browser's number cannot hold.
const (
	red   index.ID = 1
	pink  index.ID = 2
	green index.ID = 3
	blue  index.ID = 4
	big   index.ID = 1<<64 - 1
)

var colours = map[index.ID]color.RGBA{
	red:   {250, 10, 10, 255},
	pink:  {250, 60, 60, 255},
	green: {10, 250, 10, 255},
	blue:  {10, 10, 250, 255},
	big:   {240, 240, 10, 255},
}

var colourNames = map[index.ID]string{red: "red", pink: "pink", green: "green", blue: "blue", big: "yellow"}

func flatPNG(t testing.TB, c color.RGBA) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 8, 6))
	for i := range 8 * 6 {
		img.SetRGBA(i%8, i/8, c)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// fakeOptions makes a whole small world: five pictures in a folder, indexed
// by colour, an encoder, a decoder and two stored trials.
func fakeOptions(t testing.TB) Options {
	t.Helper()
	dir := t.TempDir()
	model := space.Space{Name: "colour 1", Fingerprint: "c0107"}
	store := &memStore{
		info:  index.Info{Engine: "local", Dim: 3, Space: space.Space(model)},
		items: map[index.ID]index.Item{},
	}
	for id, c := range colours {
		name := colourNames[id] + ".png"
		raw := flatPNG(t, c)
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		store.items[id] = index.Item{ID: id, Vector: meanColour(img),
			Payload: index.Payload{"path": name, "caption": "a flat " + colourNames[id] + " picture"}}
	}
	folder, err := pictures.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { folder.Close() })
	seen := red
	return Options{
		Store: store, IndexName: "colours", IndexData: "five flat pictures",
		Text: &TextEncoder{Space: model, Encode: encodeWord}, Suggestions: []string{"something red", "blue and green"},
		Encoder: colourEncoder(model), Decoder: firstThree(model), Images: folder,
		Trials: []Trial{
			{ID: "t1", Seen: "red", Item: &seen, Repeats: [][]float32{{1, 0, 0, 9, 9}, {.8, .1, .1, -9, 9}}},
			{ID: "t2", Repeats: [][]float32{{0, 0, 1, 0, 0}}},
		},
	}
}

// picturesOf returns the folder with the pictures of fakeOptions.
func picturesOf(t testing.TB, opts Options) string {
	t.Helper()
	file, err := opts.Images.(*pictures.Folder).Locate(index.Payload{"path": "red.png"})
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(file)
}

func newServer(t testing.TB, opts Options) *Server {
	t.Helper()
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// call sends one request to s and holds it and the answer to openapi.yaml.
func call(t *testing.T, s *Server, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	checked(t, s).ServeHTTP(w, r)
	return w
}

func get(t *testing.T, s *Server, address string) *httptest.ResponseRecorder {
	t.Helper()
	return call(t, s, httptest.NewRequest(http.MethodGet, address, nil))
}

func post(t *testing.T, s *Server, address, contentType string, body []byte) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, address, bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	return call(t, s, r)
}

// ask posts a JSON query.
func ask(t *testing.T, s *Server, query string) *httptest.ResponseRecorder {
	t.Helper()
	return post(t, s, "/v1/search", "application/json", []byte(query))
}

// decodeBody reads an answer of the given status.
func decodeBody[T any](t *testing.T, w *httptest.ResponseRecorder, status int) T {
	t.Helper()
	var v T
	if w.Code != status {
		t.Fatalf("status is %d, want %d: %s", w.Code, status, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return v
}

// hitIDs returns the ids of a search's answer.
func hitIDs(t *testing.T, w *httptest.ResponseRecorder) []string {
	t.Helper()
	var ids []string
	for _, hit := range decodeBody[searchView](t, w, http.StatusOK).Hits {
		ids = append(ids, hit.ID)
	}
	return ids
}

// logTo returns a logger that writes JSON lines to w.
func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }
