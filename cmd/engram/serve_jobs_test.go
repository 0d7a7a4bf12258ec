package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/data/npy"
	"engram/embed/pixels"
	"engram/httpapi/jobs"
)

// A job of the server makes the pictures that engram reconstruct makes of the same scan.
func TestAJobReconstructsAsTheCommandDoes(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	s, dir := newSeenScans(t, c, 1), t.TempDir()
	c.must("train", "--voxels", s.trainScans.train, "--trials", s.trainScans.trials, "--stimuli", s.train, "--model", "scenes-clip", "--preset", "linear", "--low-level", "--out", s.decoder)
	out := filepath.Join(dir, "pictures")
	c.must("reconstruct", "--voxels", s.voxels, "--row", "0", "--decoder", s.decoder, "--out", out, "--steps", "4", "--candidates", "2", "--seed", "3")

	service, err := newConsole(t, io.Discard).app().OpenService(t.Context(), app.ServeSpec{
		Index: s.index, SubjectSpec: app.SubjectSpec{Decoder: s.decoder}, Jobs: filepath.Join(dir, "jobs"),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := service.Close(); err != nil {
			t.Error(err)
		}
	}()
	server := httptest.NewServer(service.Handler())
	defer server.Close()
	voxels, err := npy.ReadFile(s.voxels)
	if err != nil {
		t.Fatal(err)
	}
	row, err := json.Marshal(voxels.Float32s()[:voxels.Shape[1]])
	if err != nil {
		t.Fatal(err)
	}
	var job jobs.Job
	exchangeJSON(t, &job, "POST", server.URL+"/v1/jobs/reconstruct?steps=4&candidates=2&seed=3", `{"voxels":`+string(row)+`}`)
	response, err := http.Get(server.URL + "/v1/jobs/" + job.ID + "/events") // which end with the job
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	exchangeJSON(t, &job, "GET", server.URL+"/v1/jobs/"+job.ID, "")
	if job.State != jobs.Succeeded || !slices.Contains(job.Files, "preview-02.png") || !strings.Contains(string(job.Result), `"prior":"linear"`) {
		t.Fatalf("the job is %+v", job)
	}
	for name, made := range map[string]string{"picture.png": "reconstructed/0000.png", "blurry.png": "blurry/0000.png", "candidate-1.png": "candidates/0000-1.png"} {
		var pictures [2]*pixels.Image
		for i, path := range []string{filepath.Join(dir, "jobs", job.ID, "files", name), filepath.Join(out, filepath.FromSlash(made))} {
			if pictures[i], err = pixels.DecodeFile(t.Context(), path, pixels.Limits{}); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(pictures[0].Pix, pictures[1].Pix) {
			t.Errorf("%s differs from %s of engram reconstruct", name, made)
		}
	}
}

// exchangeJSON sends a request and reads the answer.
func exchangeJSON(t *testing.T, answer any, method, address, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil {
		err = json.Unmarshal(text, answer)
	}
	if err != nil || response.StatusCode >= 300 {
		t.Fatalf("%s %s: status %d, %.300s, %v", method, address, response.StatusCode, text, err)
	}
}
