package demo_test

import (
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/cmd/engram/internal/demo"
	"engram/embed/ort/orttest"
	"engram/recon/pretrain"
)

func TestPicturesAreCompared(t *testing.T) {
	t.Parallel()
	models := t.TempDir()
	if _, err := pretrain.Train(t.Context(), orttest.Runtime(t), models, pretrain.Judge, pretrain.Options{Scale: "tiny", Epochs: 1}); err != nil {
		t.Fatal(err)
	}
	spec := demo.PictureSpec{
		Seeds: []uint64{101}, Images: 80, Test: 6, Voxels: 400, Judge: models + "/judge", Candidates: 1, Steps: 3,
	}
	scores, err := demo.StudyPictures(t.Context(), newApp(t), spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]demo.PictureScore{}
	for _, s := range scores {
		t.Logf("%+v", s)
		found[s.Pictures] = s
	}
	if s := found["seen"]; len(scores) != 7 || s.PixCorr < 1-1e-9 || s.SSIM < 1-1e-9 || s.TwoWay != 1 {
		t.Errorf("of %d kinds of pictures, the ones seen reach %+v, want 7 and 1 each", len(scores), s)
	}
	mean, made, aligned := found["mean training picture"], found["of the true tokens"], found["drawn to likely training images"]
	if made.PixCorr < mean.PixCorr+.2 || aligned.PixCorr >= made.PixCorr || aligned.Seed != 101 {
		t.Errorf("the true tokens reach %+v, want clearly more than the mean picture, %+v, and than the scans, %+v", made, mean, aligned)
	}
}

func TestPicturesThatCannotBeJudged(t *testing.T) {
	t.Parallel()
	spec := demo.PictureSpec{Seeds: []uint64{101}, Images: 80, Test: 6, Voxels: 400, Judge: app.ScenesCLIP, Candidates: 1}
	if _, err := demo.StudyPictures(t.Context(), newApp(t), spec, nil); err == nil || !strings.Contains(err.Error(), "cannot judge them") {
		t.Errorf("the CLIP that chooses judges: error %v", err)
	}
	spec.Images = 49
	if _, err := demo.StudyPictures(t.Context(), newApp(t), spec, nil); err == nil || !strings.Contains(err.Error(), "50 training images") {
		t.Errorf("too few images: error %v", err)
	}
}
