package demo_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/cmd/engram/internal/demo"
	"engram/recon/prior"
)

func TestPicturesAreCompared(t *testing.T) {
	t.Parallel()
	spec := demo.PictureSpec{
		Seeds: []uint64{101}, Images: 80, Test: 6, Voxels: 400, Judge: app.ScenesJudge, Steps: 3,
		Priors: []string{prior.None, prior.RecallKind}, Starts: []string{app.StartNoise, app.StartBlurry}, Best: []int{1, 2},
	}
	study, err := demo.StudyPictures(t.Context(), newApp(t), spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]demo.PictureScore{}
	for _, s := range study.Pictures {
		t.Logf("%+v", s)
		found[s.Pictures] = s
	}
	if s := found["seen"]; len(found) != 5+2*2*2 || s.PixCorr.Mean < 1-1e-9 || s.SSIM.Mean < 1-1e-9 || s.TwoWay.Mean != 1 || s.Named.Share < .6 {
		t.Errorf("of %d kinds of pictures, the ones seen reach %+v, want 13 and 1 each, and most named", len(found), s)
	}
	mean, made, aligned := found["mean training picture"], found["of the true tokens"], found["prior recall, from noise, best of 2"]
	if made.PixCorr.Mean < mean.PixCorr.Mean+.2 || aligned.PixCorr.Mean >= made.PixCorr.Mean || aligned.Seed != 101 {
		t.Errorf("the true tokens reach %+v, want clearly more than the mean picture, %+v, and than the scans, %+v", made, mean, aligned)
	}
	for i, all := range study.All {
		if one := study.Pictures[i]; all.Seed != 0 || all.Pictures != one.Pictures || all.Named != one.Named || all.SSIM != one.SSIM {
			t.Errorf("all subjects reach %+v, the only one %+v", all, one)
		}
	}
	if len(study.All) != len(study.Pictures) {
		t.Errorf("%d rows of all subjects, wanted the %d of the only one", len(study.All), len(study.Pictures))
	}
	clouds := study.Clouds
	if len(clouds) != 2 || clouds[1].Prior != prior.RecallKind || clouds[1].Distance == clouds[0].Distance || !(clouds[1].Pairs > 0 && clouds[1].Pairs < 1) {
		t.Errorf("the clouds are %+v, want two, and pairs that are nearer than two images", clouds)
	}
	plot := filepath.Join(t.TempDir(), "clouds.svg")
	if err := demo.PlotClouds(plot, clouds); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(plot); err != nil || !strings.Contains(string(content), "prior recall") {
		t.Errorf("the plot has %d bytes (%v), want its title", len(content), err)
	}
}

func TestPicturesThatCannotBeJudged(t *testing.T) {
	t.Parallel()
	spec := demo.PictureSpec{
		Seeds: []uint64{101}, Images: 80, Test: 6, Voxels: 400, Judge: app.ScenesCLIP,
		Priors: []string{prior.None}, Starts: []string{app.StartNoise}, Best: []int{1},
	}
	if _, err := demo.StudyPictures(t.Context(), newApp(t), spec, nil); err == nil || !strings.Contains(err.Error(), "cannot judge them") {
		t.Errorf("the CLIP that chooses judges: error %v", err)
	}
	spec.Images = 49
	if _, err := demo.StudyPictures(t.Context(), newApp(t), spec, nil); err == nil || !strings.Contains(err.Error(), "50 training images") {
		t.Errorf("too few images: error %v", err)
	}
	spec.Images, spec.Starts = 80, []string{"nothing"}
	if _, err := demo.StudyPictures(t.Context(), newApp(t), spec, nil); err == nil || !strings.Contains(err.Error(), `the starts have "nothing", wanted some of noise, blurry, retrieved`) {
		t.Errorf("an unknown start: error %v", err)
	}
}
