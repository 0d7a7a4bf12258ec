package httpapi

import (
	"archive/tar"
	"bytes"
	"hash/crc32"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"engram/index"
)

// writeTar writes a tar of files by name, in order.
func writeTar(t *testing.T, path string, files [][2]string) {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f[0], Mode: 0o644, Size: int64(len(f[1]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// An index of tars, of LAION's rows or of a table shows its pictures as an index of
// a folder does.
func TestImagesOfWhateverTheIndexWasBuiltFrom(t *testing.T) {
	opts := fakeOptions(t)
	dir := picturesOf(t, opts)
	first, second := string(flatPNG(t, colours[red])), string(flatPNG(t, colours[green]))
	writeTar(t, filepath.Join(dir, "00001.tar"), [][2]string{{"a.txt", "text"}, {"a.seg.png", second}, {"a.png", first}, {"b.txt", "no picture"}})
	sum := func(s string) int64 { return int64(crc32.Checksum([]byte(s), crc32.MakeTable(crc32.Castagnoli))) }
	store := opts.Store.(*memStore)
	payloads := map[index.ID]struct {
		payload index.Payload
		want    string // "": no image
	}{
		11: {index.Payload{"shard": "00001.tar", "key": "a", "size": int64(len(first)), "crc32c": sum(first)}, first},
		12: {index.Payload{"shard": "img_emb/img_emb_0.npy", "tar": "00001.tar", "key": "a", "crc32c": sum(second)}, second},
		13: {index.Payload{"shard": "00001.tar", "key": "b"}, ""},
		14: {index.Payload{"shard": "00001.tar", "key": "a", "crc32c": sum("another picture")}, ""},
		15: {index.Payload{"shard": "00009.tar", "key": "a"}, ""},
		16: {index.Payload{"shard": "../00001.tar", "key": "a"}, ""},
		17: {index.Payload{"shard": "img_emb/img_emb_0.npy", "image_path": "red.png"}, first},
		18: {index.Payload{"image_path": filepath.Join(dir, "green.png")}, second},
		19: {index.Payload{"image_path": "/etc/hostname"}, ""},
		20: {index.Payload{"image_path": "/another/machine/green.png"}, second},
	}
	for id, p := range payloads {
		store.items[id] = index.Item{ID: id, Vector: []float32{1, 0, 0}, Payload: p.payload}
	}
	s := newServer(t, opts)
	for range 2 { // the second time the tar is known
		for id, p := range payloads {
			w := get(t, s, "/"+s.imageRoute(strconv.FormatUint(uint64(id), 10)))
			switch {
			case p.want == "" && w.Code != http.StatusNotFound:
				t.Errorf("%v: status %d, want 404", p.payload, w.Code)
			case p.want != "" && (w.Code != http.StatusOK || w.Body.String() != p.want || w.Header().Get("Content-Type") != "image/png"):
				t.Errorf("%v: status %d, %d bytes of %s", p.payload, w.Code, w.Body.Len(), w.Header().Get("Content-Type"))
			}
		}
	}
	writeTar(t, filepath.Join(dir, "00001.tar"), [][2]string{{"pad.txt", string(make([]byte, 5000))}, {"a.png", first}})
	if w := get(t, s, "/v1/items/11/image"); w.Code != http.StatusOK || w.Body.String() != first {
		t.Errorf("after the tar was written again: status %d", w.Code)
	}
}

// Where this server has no picture the address in the payload is one, if that is
// switched on.
func TestImageURLs(t *testing.T) {
	opts := fakeOptions(t)
	store := opts.Store.(*memStore)
	for id, p := range map[index.ID]index.Payload{
		11: {"url": "https://example.com/a.jpg"}, 12: {"url": "javascript:alert(1)"}, 13: {"URL": "http://example.com/b.jpg"},
	} {
		store.items[id] = index.Item{ID: id, Vector: []float32{1, 0, 0}, Payload: p}
	}
	for _, on := range []bool{false, true} {
		opts.ImageURLs = on
		s := newServer(t, opts)
		for id, want := range map[string]string{"11": "https://example.com/a.jpg", "12": "", "13": "http://example.com/b.jpg", "1": "v1/items/1/image"} {
			if !on && id != "1" {
				want = ""
			}
			w := get(t, s, "/v1/items/"+id)
			if got := decodeBody[itemView](t, w, http.StatusOK).ImageURL; got != want {
				t.Errorf("on %v, item %s: %q, want %q", on, id, got, want)
			}
			policy := w.Header().Get("Content-Security-Policy")
			if got := bytes.Contains([]byte(policy), []byte("img-src 'self' blob: https: http:;")); got != on {
				t.Errorf("on %v: policy %s", on, policy)
			}
		}
	}
}
