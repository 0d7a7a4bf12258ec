package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"engram/data/nifti"
	"engram/embed"
	"engram/embed/dataset"
	"engram/httpapi/internal/problem"
	"engram/index"

	"github.com/google/go-cmp/cmp"
)

// A decoder that ranks by all of a prediction answers for scans and trials alone, and
// its options reach it.
func TestScansAreRankedByAllOfThePrediction(t *testing.T) {
	var asked ScanQuery
	var repeats [][]float32
	opts := fakeOptions(t)
	opts.Decoder.Predict = rankWith(func(scan [][]float32, q ScanQuery) (*ScanRanking, error) {
		asked, repeats = q, scan
		confidence := .83
		return &ScanRanking{
			Hits:   []index.Hit{{ID: 2, Score: 41.5}},
			Stages: Stages{Metric: "likelihood", Candidates: 40, Missing: 1, Confidence: &confidence, Rank: 1500 * time.Microsecond},
		}, nil
	})
	server := newServer(t, opts)
	scan := `"voxels": [[1, 0, 0, 0, 0], [1, 0, 0, 0, 0]]`
	body := ask(t, server, `{`+scan+`, "k": 3, "candidates": 40, "exact": true}`).Body.String()
	if asked.K != 3 || asked.Candidates != 40 || !asked.Exact || len(repeats) != 2 {
		t.Errorf("the decoder was asked %+v of %v", asked, repeats)
	}
	for _, want := range []string{`"score":41.5`, `"metric":"likelihood"`, `"candidates":40`, `"missing":1`, `"confidence":0.83`, `"rank_ms":1.5`, `"repeats":2`} {
		if !strings.Contains(body, want) {
			t.Errorf("the answer %s has no %s", body, want)
		}
	}
	for _, other := range []string{
		`{` + scan + `, "first_stage": true}`, `{"vector": [1, 0, 0]}`, `{"parts": [{` + scan + `}, {"vector": [1, 0, 0]}]}`,
	} {
		asked = ScanQuery{}
		if body := ask(t, server, other).Body.String(); asked.K != 0 || strings.Contains(body, "stages") {
			t.Errorf("%s: the decoder was asked %+v, the answer is %s", other, asked, body)
		}
	}
}

// rankWith returns a Decoder.Predict whose scans rank ranks.
func rankWith(rank func(repeats [][]float32, q ScanQuery) (*ScanRanking, error)) func(context.Context, [][][]float32) ([]ScanRanker, error) {
	return func(_ context.Context, scans [][][]float32) ([]ScanRanker, error) {
		rankers := make([]ScanRanker, len(scans))
		for i, repeats := range scans {
			rankers[i] = func(_ context.Context, q ScanQuery) (*ScanRanking, error) { return rank(repeats, q) }
		}
		return rankers, nil
	}
}

// A batch ranks its scans as searches do, beside queries by a vector. The scans are predicted
// from together.
func TestABatchRanksScans(t *testing.T) {
	opts := fakeOptions(t)
	predict := rankWith(func(repeats [][]float32, _ ScanQuery) (*ScanRanking, error) {
		return &ScanRanking{Hits: []index.Hit{{ID: index.ID(repeats[0][0]), Score: 41.5}}, Stages: Stages{Metric: "likelihood", Candidates: 40}}, nil
	})
	var mu sync.Mutex
	var runs []int
	opts.Decoder.Predict = func(ctx context.Context, scans [][][]float32) ([]ScanRanker, error) {
		mu.Lock()
		defer mu.Unlock()
		runs = append(runs, len(scans))
		for _, repeats := range scans {
			if repeats[0][1] == 9 {
				return nil, embed.ErrNotFinite
			}
		}
		return predict(ctx, scans)
	}
	server := newServer(t, opts)
	status, body := postJSON(t, server, "/v1/search/batch",
		`{"queries":[{"voxels":[2,0,0,0,0],"k":3},{"vector":[0,0,1],"k":1},{"voxels":[[3,0,0,0,0],[1,0,0,0,0]]},{"voxels":[1,0,0,0,0],"first_stage":true,"k":1}]}`)
	var got batchView
	if err := json.Unmarshal(body, &got); status != http.StatusOK || err != nil {
		t.Fatalf("status %d, %s, error %v", status, body, err)
	}
	var found []string
	for _, r := range got.Results {
		ranked := ""
		if r.Stages != nil {
			ranked = r.Stages.Metric
		}
		found = append(found, ranked+" "+r.Hits[0].ID)
	}
	if diff := cmp.Diff([]string{"likelihood 2", " 4", "likelihood 3", " 1"}, found); diff != "" || got.Results[2].Query.Repeats != 2 {
		t.Errorf("(-want +got):\n%s%s", diff, body)
	}
	if diff := cmp.Diff([]int{2}, runs); diff != "" {
		t.Errorf("predictions at once (-want +got):\n%s", diff)
	}
	for refused, says := range map[string]string{
		`{"voxels":[1,9,0,0,0]}`: "query 3", // by the decoder, which another scan is no fault of
		`{"voxels":[1,2]}`:       "query 3: repeat 0 of the scan has 2 voxels",
	} {
		status, body := postJSON(t, server, "/v1/search/batch", `{"queries":[{"voxels":[2,0,0,0,0]},{"vector":[0,0,1]},`+refused+`]}`)
		if status != http.StatusUnprocessableEntity || !strings.Contains(string(body), says) {
			t.Errorf("with %s: status %d, %s", refused, status, body)
		}
	}
}

func TestCandidatesAreBounded(t *testing.T) {
	server := newServer(t, fakeOptions(t))
	for _, bad := range []string{`-1`, `10001`, `1.5`, `"7"`} {
		w := ask(t, server, `{"voxels": [1, 0, 0, 0, 0], "candidates": `+bad+`}`)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "candidates") {
			t.Errorf("candidates %s: status %d, %s", bad, w.Code, w.Body)
		}
	}
}

// A NIfTI file is read by the subject's mask, each volume as a repeat; one that lies
// elsewhere is refused.
func TestSearchByVolumes(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, size float32, shape []int, values []float32) []byte {
		path := filepath.Join(dir, name)
		if err := nifti.WriteFile(path, nifti.Layout{Shape: shape, VoxelSize: [3]float32{size, 2, 2}}, values); err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("mask.nii.gz", 2, []int{3, 2, 1}, []float32{1, 1, 0, 1, 1, 1})
	opts := fakeOptions(t)
	var err error
	if opts.Decoder.Volumes, err = (dataset.Anatomy{Mask: filepath.Join(dir, "mask.nii.gz")}).Volumes(1 << 20); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, opts)
	two := []float32{0, 0, 77, 1, 5, 5, 0, 0, 77, 3, -5, 5}
	for name, file := range map[string][]byte{
		"plain": write("a.nii", 2, []int{3, 2, 1, 2}, two), "gzip": write("a.nii.gz", 2, []int{3, 2, 1, 2}, two),
	} {
		w := post(t, s, "/v1/search?k=1&explain=true", "application/octet-stream", file)
		got := decodeBody[searchView](t, w, http.StatusOK)
		if got.Query.Repeats != 2 || got.Query.Voxels != 5 || got.Hits[0].ID != "4" {
			t.Errorf("%s: %+v found %s, wanted two repeats of 5 voxels and the blue picture", name, got.Query, got.Hits[0].ID)
		}
	}
	for name, file := range map[string][]byte{
		"another place": write("b.nii", 3, []int{3, 2, 1}, two[:6]), "another shape": write("c.nii", 2, []int{2, 3, 1}, two[:6]),
		"too many": write("d.nii", 2, []int{3, 2, 1, 33}, make([]float32, 6*33)), "too large": write("e.nii.gz", 2, []int{300, 300, 4}, make([]float32, 360_000)),
		"cut off": write("f.nii", 2, []int{3, 2, 1}, two[:6])[:360],
	} {
		w := post(t, s, "/v1/search", "application/octet-stream", file)
		if p := decodeBody[problem.Details](t, w, http.StatusUnprocessableEntity); !strings.HasSuffix(p.Type, "scan-does-not-fit") {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
