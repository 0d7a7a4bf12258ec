package demo_test

import (
	"strings"
	"testing"

	"engram/cmd/engram/internal/demo"
)

// Areas rank as on NSD: by the global vector of CLIP the higher areas together identify
// clearly more images than the early ones, and all together no fewer.
func TestAreasRank(t *testing.T) {
	t.Parallel()
	spec := demo.AreaSpec{Seeds: []uint64{101}, Images: 120, Test: 60, Zebras: 2, Voxels: 800, Areas: []string{"early", "higher", "all"}}
	scores, err := demo.StudyAreas(t.Context(), newApp(t), spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	top1 := map[string]float64{}
	for _, s := range scores {
		t.Logf("%s: %d voxels, ncsnr %.2f, top-1 %s and %s, global vector %s", s.Areas, s.Voxels, s.NCSNR, s.Single, s.Mean, s.Global)
		top1[s.Areas] = s.Global.Share
	}
	if top1["higher"] < top1["early"]+.1 || top1["all"] < top1["higher"]-.05 {
		t.Errorf("image top-1 by the global vector is %v, want higher areas well above early ones", top1)
	}
	spec.Areas = []string{"V9"}
	if _, err := demo.StudyAreas(t.Context(), newApp(t), spec, nil); err == nil || !strings.Contains(err.Error(), `found "V9"`) {
		t.Errorf("an area that there is not: error %v", err)
	}
	spec.Areas, spec.Zebras = nil, 61 // told before anything is embedded, as is the number of voxels
	if _, err := demo.StudyAreas(t.Context(), newApp(t), spec, nil); err == nil || !strings.Contains(err.Error(), "at most 60 zebras") {
		t.Errorf("more zebras than there are: error %v", err)
	}
	spec.Areas, spec.Zebras, spec.Voxels = []string{"V9"}, 60, 99
	if _, err := demo.StudyAreas(t.Context(), newApp(t), spec, nil); err == nil || !strings.Contains(err.Error(), "wanted 100 to") {
		t.Errorf("too few voxels: error %v", err)
	}
}
