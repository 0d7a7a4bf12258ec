package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/embed/dataset"
)

// served is a running server.
type served struct {
	t    *testing.T
	url  string
	stop func() (stderr string, status int)
}

// serve starts a server and waits until it says where it listens.
func (c *cli) serve(args ...string) *served {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	read, write := io.Pipe()
	var stderr bytes.Buffer
	status := make(chan int, 1)
	args = append(append([]string{"serve", "--addr", "127.0.0.1:0"}, args...), c.args...)
	go func() {
		status <- run(ctx, args, streams{stdout: write, stderr: &stderr, getenv: func(name string) string { return c.env[name] }})
		write.Close()
	}()
	stop := func() (string, int) {
		cancel()
		s := <-status
		status <- s // for a second call
		return stderr.String(), s
	}
	c.t.Cleanup(func() { stop() })
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		text, s := stop()
		c.t.Fatalf("engram %s: status %d: %s", strings.Join(args, " "), s, text)
	}
	return &served{t: c.t, url: strings.TrimSuffix(line, "/\n"), stop: stop}
}

// call makes a request with a file as its body, or without one for "", and
// decodes the answer.
func (s *served) call(answer any, path, contentType, file string) int {
	s.t.Helper()
	method, body := http.MethodGet, []byte(nil)
	if file != "" {
		var err error
		if body, err = os.ReadFile(file); err != nil {
			s.t.Fatal(err)
		}
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode
}

// searchAnswer is what a search answers.
type searchAnswer struct {
	Detail string // of a problem
	Hits   []struct {
		Payload  map[string]any
		Score    float32
		ImageURL string `json:"image_url"`
	}
}

func TestServeAFolderOfImages(t *testing.T) {
	c := newCLI(t)
	photos := writePhotos(t)
	s := c.serve(photos)
	var got searchAnswer
	if status := s.call(&got, "/v1/search", "image/png", filepath.Join(photos, "p21.png")); status != 200 {
		t.Fatalf("search: status %d, %s", status, got.Detail)
	}
	if first := got.Hits[0]; first.Payload["path"] != "p21.png" || first.Score < .9999 {
		t.Errorf("the first result is %+v, want p21.png", first)
	}
	response, err := http.Get(s.url + "/" + got.Hits[0].ImageURL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	image, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(photos, "p21.png"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(image, want) {
		t.Errorf("the image of the first result has %d bytes, the file %d", len(image), len(want))
	}
	text := filepath.Join(t.TempDir(), "text.png")
	writeFile(t, text, []byte("no image"))
	if status := s.call(&got, "/v1/search", "image/png", text); status != 422 || !strings.Contains(got.Detail, "wanted JPEG") {
		t.Errorf("search with a text file: status %d, %q, want 422", status, got.Detail)
	}
	if stderr, status := s.stop(); status != 0 {
		t.Errorf("after an interrupt: status %d, stderr %s", status, stderr)
	}

	// The second start finds the index, without the file that is gone.
	if err := os.Remove(filepath.Join(photos, "p00.png")); err != nil {
		t.Fatal(err)
	}
	var info struct{ Index struct{ Count int } }
	c.serve(photos).call(&info, "/v1/info", "", "")
	if info.Index.Count != 15 {
		t.Errorf("after a file went the index has %d items, want 15", info.Index.Count)
	}
}

func TestServeScans(t *testing.T) {
	c, lab := newCLI(t), newExperiment(t)
	dir := t.TempDir()
	decoder, index := filepath.Join(dir, "decoder"), filepath.Join(dir, "index")
	c.must("train", "--voxels", lab.voxels, "--stimuli", lab.photos, "--trials", lab.trials, "--preset", "linear", "--out", decoder)
	c.must("index", "build", lab.photos, "--out", index)
	s := c.serve("--index", index, "--decoder", decoder, "--voxels", lab.voxels, "--trials", lab.trials)

	rows, err := dataset.Rows(lab.voxels, "", []int{6, 22})
	if err != nil {
		t.Fatal(err)
	}
	scan := writeNPY(t, filepath.Join(dir, "scan.npy"), append(rows[0], rows[1]...), 2, 300)
	var got searchAnswer
	if status := s.call(&got, "/v1/search", "application/x-npy", scan); status != 200 {
		t.Fatalf("search by scan: status %d, %s", status, got.Detail)
	}
	if got.Hits[0].Payload["path"] != "p12.png" {
		t.Errorf("trials 6 and 22 saw p12.png, the scan finds %+v", got.Hits[0])
	}
	var trials struct {
		Total  int
		Trials []struct{ Seen, Item string }
	}
	s.call(&trials, "/v1/trials", "", "")
	if trials.Total != 32 || trials.Trials[6].Seen != "p12.png" || trials.Trials[6].Item == "" {
		t.Errorf("trials are %+v, want 32, the seventh of which saw p12.png", trials)
	}
	short := writeNPY(t, filepath.Join(dir, "short.npy"), rows[0][:299], 299)
	if status := s.call(&got, "/v1/search", "application/x-npy", short); status != 422 || !strings.Contains(got.Detail, "299 voxels, the decoder takes 300") {
		t.Errorf("search with a short scan: status %d, %q, want 422", status, got.Detail)
	}
	// The log does not have the values of a scan.
	stderr, status := s.stop()
	if status != 0 || !strings.Contains(stderr, "/v1/search") || strings.Contains(stderr, fmt.Sprint(rows[0][0])) {
		t.Errorf("after an interrupt: status %d, stderr %s", status, stderr)
	}
}

// An index outlives its images.
func TestServeWithoutTheImages(t *testing.T) {
	c := newCLI(t)
	photos, index := writePhotos(t), filepath.Join(t.TempDir(), "index")
	query := filepath.Join(t.TempDir(), "query.png")
	writePNG(t, query, 7, 14)
	c.must("index", "build", photos, "--out", index)
	if err := os.RemoveAll(photos); err != nil {
		t.Fatal(err)
	}
	s := c.serve("--index", index)
	var got searchAnswer
	if status := s.call(&got, "/v1/search", "image/png", query); status != 200 || got.Hits[0].Payload["path"] != "p21.png" {
		t.Errorf("search: status %d, %+v, want p21.png first", status, got)
	}
	if stderr, status := s.stop(); status != 0 || !strings.Contains(stderr, "images cannot be shown") {
		t.Errorf("status %d, stderr %s, want a warning", status, stderr)
	}
}

func TestServeRefuses(t *testing.T) {
	c, lab := newCLI(t), newExperiment(t)
	dir := t.TempDir()
	decoder, index, short := filepath.Join(dir, "decoder"), filepath.Join(dir, "index"), filepath.Join(dir, "short.csv")
	c.must("train", "--voxels", lab.voxels, "--stimuli", lab.photos, "--trials", lab.trials, "--preset", "linear", "--out", decoder)
	c.must("index", "build", lab.photos, "--out", index)
	writeFile(t, short, []byte("image\np00.png\n"))
	other := writeNPY(t, filepath.Join(dir, "other.npy"), make([]float32, 299), 1, 299)
	c.refuse([]string{"there is no engram.index in this folder"}, "serve")
	c.refuse([]string{"wanted a folder of images or --index, found both"}, "serve", lab.photos, "--index", index)
	c.refuse([]string{"no such index"}, "serve", "--index", filepath.Join(dir, "nowhere"))
	c.refuse([]string{"nowhere: no such file"}, "serve", filepath.Join(dir, "nowhere"))
	c.refuse([]string{"address bogus: missing port"}, "serve", "--index", index, "--addr", "bogus")
	c.refuse([]string{"32 stored trials need a decoder"}, "serve", "--index", index, "--voxels", lab.voxels)
	c.refuse([]string{"299 voxels, the decoder takes 300"}, "serve", "--index", index, "--decoder", decoder, "--voxels", other)
	c.refuse([]string{"has 32 trials, " + short + " tells of 1"}, "serve", "--index", index, "--decoder", decoder, "--voxels", lab.voxels, "--trials", short)
}

// Readers need no lock: while a server has an index open, others search, verify,
// copy and serve it, and a build changes it, which the server does not see.
func TestOthersReadAndWriteBesideAServer(t *testing.T) {
	c, lab := newCLI(t), newExperiment(t)
	dir := t.TempDir()
	index := filepath.Join(dir, "index")
	c.must("index", "build", lab.photos, "--out", index)
	first := c.serve("--index", index)
	query := filepath.Join(lab.photos, "p21.png")
	for _, reader := range [][]string{
		{"search", "--index", index, "--image", query}, {"index", "verify", index}, {"index", "copy", index, filepath.Join(dir, "copy")},
	} {
		c.must(reader...)
	}
	second := c.serve("--index", index)
	writePNG(t, filepath.Join(lab.photos, "z.png"), 3, 3)
	if err := os.Remove(query); err != nil {
		t.Fatal(err)
	}
	c.must("index", "build", lab.photos, "--out", index, "--prune")
	for _, s := range []*served{first, second} {
		var got searchAnswer
		if status := s.call(&got, "/v1/search", "image/png", filepath.Join(lab.photos, "z.png")); status != 200 || got.Hits[0].Payload["path"] == "z.png" {
			t.Errorf("search: status %d, first %+v, want the index as it was", status, got.Hits[0])
		}
	}
	var found struct {
		Hits []struct{ Payload map[string]any }
	}
	c.json(&found, "search", "--index", index, "--image", filepath.Join(lab.photos, "z.png"), "-k", "1")
	if got := found.Hits[0].Payload["path"]; got != "z.png" {
		t.Errorf("search after the build: %v, want z.png", got)
	}
}

// Vectors that were made elsewhere are searched by vector, item and filter without
// a model. A model is not taken by silence.
func TestServeVectorsWithoutAModel(t *testing.T) {
	c := newCLI(t)
	dir := t.TempDir()
	laion, index, pixels := filepath.Join(dir, "laion"), filepath.Join(dir, "index"), filepath.Join(dir, "pixels.index")
	writeLAION(t, laion, 2)
	c.must("index", "build", laion, "--out", index)
	s := c.serve("--index", index)
	var info struct {
		Encoder *struct{ Assumed bool }
		Index   struct{ Dim int }
	}
	if status := s.call(&info, "/v1/info", "", ""); status != 200 || info.Encoder != nil || info.Index.Dim != 3 {
		t.Errorf("info: status %d, %+v, want no encoder and 3 elements", status, info)
	}
	query := filepath.Join(dir, "query.json")
	writeFile(t, query, []byte(`{"vector":[1,0,0],"k":1,"filter":{"key":"url","equal":"u2"}}`))
	var got searchAnswer
	if status := s.call(&got, "/v1/search", "application/json", query); status != 200 || len(got.Hits) != 1 || got.Hits[0].Payload["url"] != "u2" {
		t.Errorf("by vector: status %d, %+v, want u2", status, got)
	}
	photo := filepath.Join(writePhotos(t), "p21.png")
	if status := s.call(&got, "/v1/search", "image/png", photo); status != 501 {
		t.Errorf("by picture: status %d, want 501", status)
	}

	c.refuse([]string{"have 1024 elements, those in the index 3"}, "serve", "--index", index, "--model", "pixels")
	c.refuse([]string{"have 1024 elements, those in the index 3"}, "serve", "--index", index, "--model", "pixels", "--assume-model")
	// Vectors of pixels without a word of that: the dimension alone proves nothing.
	embedded := filepath.Join(dir, "embedded")
	c.must("embed", writePhotos(t), "--out", embedded)
	if err := os.Remove(filepath.Join(embedded, "embed.json")); err != nil {
		t.Fatal(err)
	}
	c.must("index", "build", embedded, "--out", pixels)
	refusal := []string{"does not record which model", "--assume-model"}
	c.refuse(refusal, "serve", "--index", pixels, "--model", "pixels")
	c.refuse(refusal, "search", "--index", pixels, "--model", "pixels", "--image", photo)
	_, stderr, status := c.run("search", "--index", pixels, "--model", "pixels", "--image", photo, "--assume-model")
	if status != 0 || !strings.Contains(stderr, "assumed to be this one") {
		t.Errorf("search: status %d, stderr %s, want a warning", status, stderr)
	}
	s = c.serve("--index", pixels, "--model", "pixels", "--assume-model")
	if status := s.call(&info, "/v1/info", "", ""); status != 200 || info.Encoder == nil || !info.Encoder.Assumed {
		t.Errorf("info: status %d, %+v, want an assumed model", status, info)
	}
	if status := s.call(&got, "/v1/search", "image/png", photo); status != 200 || got.Hits[0].Score < .999 {
		t.Errorf("by picture: status %d, %+v, want the picture itself", status, got)
	}
}
