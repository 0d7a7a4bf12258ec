package demo_test

import (
	"strings"
	"testing"

	"engram/cmd/engram/internal/demo"
)

// A study of areas scores the groups that are asked for, and refuses others.
func TestStudyOfAreas(t *testing.T) {
	t.Parallel()
	spec := demo.AreaSpec{Seeds: []uint64{101}, Images: 100, Test: 40, Zebras: 2, Voxels: 400, Areas: []string{"faces", "all"}}
	scores, err := demo.StudyAreas(t.Context(), newApp(t), spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	faces, all := scores[0], scores[1]
	if len(scores) != 2 || all.Voxels != 400 || faces.Voxels > 80 || all.NCSNR < .2 || all.NCSNR > .7 {
		t.Fatalf("scores are %+v", scores)
	}
	if all.Mean.Share < 4./40 || all.Mean.Share < faces.Mean.Share || all.TwoWay < .75 {
		t.Errorf("all voxels find %+v, the faces' area %+v", all, faces)
	}
	spec.Areas = []string{"V9"}
	if _, err := demo.StudyAreas(t.Context(), newApp(t), spec, nil); err == nil || !strings.Contains(err.Error(), `found "V9"`) {
		t.Errorf("an area that there is not: error %v", err)
	}
}
