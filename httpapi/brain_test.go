package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"engram/data/nifti"
	"engram/embed/glassbrain"

	"github.com/google/go-cmp/cmp"
)

// fakeBrain is a brain of five voxels in a row, of a subject that is simulated. Training
// had the mean 1 and the deviation .5 in every voxel.
func fakeBrain(t testing.TB) *Brain {
	t.Helper()
	places, err := glassbrain.New(&nifti.Mask{Shape: [3]int{5, 1, 1}, Index: []int{0, 1, 2, 3, 4}},
		[]glassbrain.Region{{Name: "V1", Voxels: []int{0, 1, 2}}, {Name: "V2", Voxels: []int{3, 4}}})
	if err != nil {
		t.Fatal(err)
	}
	return &Brain{Places: places, ZScore: func(repeats [][]float32) ([]float32, bool, error) {
		z := make([]float32, 5)
		for _, row := range repeats {
			for v, x := range row {
				z[v] += (x - 1) / .5 / float32(len(repeats))
			}
		}
		return z, true, nil
	}}
}

func TestAScanInTheBrain(t *testing.T) {
	opts := fakeOptions(t)
	opts.Decoder.Brain = fakeBrain(t)
	s := newServer(t, opts)
	brain := decodeBody[brainView](t, get(t, s, "/v1/brain"), http.StatusOK)
	if brain.Voxels != 5 || len(brain.Views) != 3 || len(brain.Regions) != 2 || brain.Regions[1].Voxels != 2 || len(brain.Regions[0].Outlines) != 3 {
		t.Errorf("the brain is %+v", brain)
	}
	answer := decodeBody[activityView](t, post(t, s, "/v1/brain/activity", "application/json", []byte(`{"trial":"t1"}`)), http.StatusOK)
	if answer.Repeats != 2 || answer.Relative != "training" {
		t.Errorf("the activity is of %d repeats, relative to %s", answer.Repeats, answer.Relative)
	}
	var coronal []int
	for _, value := range answer.Views[1] {
		if value != nil {
			coronal = append(coronal, *value)
		}
	}
	if diff := cmp.Diff([]int{-2, -19, -19, -20, 160}, coronal); diff != "" {
		t.Errorf("from behind (-want +got)\n%s", diff)
	}
	upload := post(t, s, "/v1/brain/activity", "application/x-npy", npyFile([]int{5}, 1, 1, 1, 1, 2))
	if value := decodeBody[activityView](t, upload, http.StatusOK).Views[1][7+5]; value == nil || *value != 20 {
		t.Errorf("an uploaded scan has %v at the last voxel, wanted 20", value)
	}
	opts.Decoder.Brain.ZScore = func([][]float32) ([]float32, bool, error) { return nil, false, nil }
	alone := decodeBody[activityView](t, post(t, s, "/v1/brain/activity", "application/x-npy", npyFile([]int{5}, 1, 1, 1, 1, 2)), http.StatusOK)
	if first, last := alone.Views[1][7+1], alone.Views[1][7+5]; alone.Relative != "scan" || *first != -5 || *last != 20 {
		t.Errorf("without training statistics the activity is relative to %s, %d and %d tenths", alone.Relative, *first, *last)
	}
	for body, status := range map[string]int{
		`{"text":"red"}`:         http.StatusBadRequest,
		`{"trial":"t9"}`:         http.StatusNotFound,
		`{"voxels":[1,2]}`:       http.StatusUnprocessableEntity,
		`{"voxels":[1,2,3,4,5]`:  http.StatusBadRequest,
		`{"voxels":[1,2,3,4,5]}`: http.StatusOK,
	} {
		if w := post(t, s, "/v1/brain/activity", "application/json", []byte(body)); w.Code != status {
			t.Errorf("%s: status %d, want %d: %s", body, w.Code, status, w.Body)
		}
	}
}

func TestWithoutABrain(t *testing.T) {
	opts := fakeOptions(t)
	if w := get(t, newServer(t, opts), "/v1/brain"); w.Code != http.StatusNotImplemented || !strings.Contains(w.Body.String(), "no-brain") {
		t.Errorf("without places: %d %s", w.Code, w.Body)
	}
	opts.Decoder.Brain = fakeBrain(t)
	opts.Decoder.Voxels = 6
	opts.Trials = nil
	if _, err := New(opts); err == nil || !strings.Contains(err.Error(), "the places of 5 voxels are known, the decoder takes 6") {
		t.Errorf("a brain of other voxels: %v", err)
	}
}
