package httpapi

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"engram/embed/pixels"
	"engram/httpapi/internal/problem"
)

// zeros returns n zeros, gzipped.
func zeros(t *testing.T, n int64) string {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.CopyN(w, zeroReader{}, n); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// pngOf returns a PNG file that says it has so many pixels, and has none.
func pngOf(side uint32) string {
	chunk := func(kind string, data []byte) []byte {
		out := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
		out = append(append(out, kind...), data...)
		return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
	}
	header := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, side), side)
	return "\x89PNG\r\n\x1a\n" + string(chunk("IHDR", append(header, 8, 2, 0, 0, 0))) + string(chunk("IDAT", nil)) + string(chunk("IEND", nil))
}

// Whatever a client sends, it gets a problem that says whose fault it is, and costs the
// server little memory. With -v the test prints the table.
func TestHostileInput(t *testing.T) {
	opts := fakeOptions(t)
	opts.MaxBodyBytes = 1 << 20
	limits := pixels.Limits{Budget: pixels.NewBudget(64 << 20)}
	opts.Encoder.Encode = func(ctx context.Context, file []byte) ([]float32, error) {
		err := pixels.Use(ctx, bytes.NewReader(file), limits, func(*pixels.Image) error { return nil })
		return []float32{1, 0, 0}, err
	}
	s := newServer(t, opts)
	const search, jsonType = "/v1/search", "application/json"
	for _, c := range []struct {
		name, method, address, contentType, encoding, body string
		status                                             int
	}{
		{"a body over the limit", "POST", search, jsonType, "", `{"text":"` + strings.Repeat("x", 8<<20) + `"}`, 413},
		{"a gigabyte of zeros, gzipped", "POST", search, jsonType, "gzip", zeros(t, 1<<30), 413},
		{"zeros, gzipped twice", "POST", search, jsonType, "gzip, gzip", "x", 415},
		{"brackets, 500,000 deep", "POST", search, jsonType, "", `{"vector":` + strings.Repeat("[", 500_000), 400},
		{"100,000 members", "POST", search, jsonType, "", `{` + strings.Repeat(`"k":1,`, 100_000) + `"k":1}`, 400},
		{"a filter, 100,000 deep", "POST", search, jsonType, "", `{"item":1,"filter":` + strings.Repeat(`{"not":`, 100_000) + `1` + strings.Repeat(`}`, 100_000) + `}`, 400},
		{"a page of 10^18", "POST", search, jsonType, "", `{"item":1,"k":1000000000000000000}`, 400},
		{"a cursor of noise", "POST", search, jsonType, "", `{"item":1,"after":"` + strings.Repeat("A", 90_000) + `"}`, 400},
		{"an unknown member", "POST", search, jsonType, "", `{"item":1,"admin":true}`, 400},
		{"a member of another type", "POST", search, jsonType, "", `{"text":["red"]}`, 400},
		{"NaN among float32", "POST", search + "?kind=vector", "application/octet-stream", "", floats(1, float32(math.NaN()), 0), 422},
		{"infinity among voxels", "POST", search, "application/octet-stream", "", floats(1, float32(math.Inf(1)), 0, 0, 0), 422},
		{"an npy of 2^60 numbers", "POST", search, "application/x-npy", "", strings.Replace(string(npyFile([]int{5}, 1, 2, 3, 4, 5)), "(5,), }         ", "(9999999999,), }", 1), 400},
		{"a picture of 65,535 × 65,535", "POST", search, "image/png", "", pngOf(65_535), 422},
		{"a picture of 2^31 × 2^31", "POST", search, "image/png", "", pngOf(1 << 31), 422},
		{"a text of a megabyte", "POST", search, jsonType, "", `{"text":"` + strings.Repeat("x", 1<<20-20) + `"}`, 422},
		{"HTML as a picture", "POST", search, "image/svg+xml", "", "<svg onload='alert(1)'/>", 422},
		{"a file of the disk", "GET", "/assets/..%2f..%2fserver.go", "", "", "", 404},
		{"a folder above", "GET", "/v1/collections/..%2f..%2fetc/items", "", "", "", 404},
		{"an id that is none", "GET", "/v1/items/-1/image", "", "", "", 404},
		{"a header that is no id", "GET", "/healthz", "", "", "", 200},
		{"a method that is none", "BREW", "/v1/items", "", "", "", 405},
	} {
		r := httptest.NewRequest(c.method, c.address, strings.NewReader(c.body))
		r.Header.Set("X-Request-Id", "a\tb<script>")
		if c.contentType != "" {
			r.Header.Set("Content-Type", c.contentType)
		}
		if c.encoding != "" {
			r.Header.Set("Content-Encoding", c.encoding)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		w := answerOf(s, r)
		runtime.ReadMemStats(&after)
		cost := (after.TotalAlloc - before.TotalAlloc) >> 10
		t.Logf("%-30s %d %8d KiB", c.name, w.Code, cost)
		if w.Code != c.status {
			t.Errorf("%s: status %d, wanted %d: %.200s", c.name, w.Code, c.status, w.Body)
		}
		if c.status != 200 {
			decodeBody[problem.Details](t, w, w.Code)
		}
		if id := w.Header().Get("X-Request-Id"); strings.ContainsAny(id, "\t<") {
			t.Errorf("%s: the answer has the id %q", c.name, id)
		}
		const most = 40 << 10 // KiB allocated over the whole request, 40 times the largest body; most is freed early
		if cost > most {
			t.Errorf("%s cost %d KiB, wanted %d at most", c.name, cost, most)
		}
	}
}
