package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/embed/pixels"
	"engram/recon"
)

// TestBlurryImages trains a low-level model beside a decoder and begins from its images.
func TestBlurryImages(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	s, out := newSeenScans(t, c, 2), filepath.Join(t.TempDir(), "begun")
	train := []string{"train", "--voxels", s.trainScans.train, "--trials", s.trainScans.trials, "--model", "scenes-clip", "--preset", "linear", "--out", s.decoder}
	printed := c.must(append(train, "--stimuli", s.train, "--low-level")...)
	if folder := filepath.Join(s.decoder, "lowlevel"); !strings.Contains(printed, "low level   "+folder) {
		t.Errorf("train prints %s, want the folder %s", printed, folder)
	}
	args := []string{
		"reconstruct", "--voxels", s.voxels, "--trials", s.trials, "--stimuli", s.stimuli, "--decoder", s.decoder,
		"--steps", "4", "--candidates", "1",
	}
	var made app.Reconstructed
	c.json(&made, append(args, "--start", "blurry", "--strength", ".5", "--blend", ".4", "--out", out)...)
	found := map[string]app.PictureScores{}
	for _, score := range made.Scores {
		found[score.Pictures] = score
	}
	if len(found) != 2 || !(found["blurry"].PixCorr.Mean > .2) || !(found["reconstructed"].PixCorr.Mean > .2) {
		t.Errorf("scores are %+v, want blurry and reconstructed images that are like what was seen", made.Scores)
	}
	for _, name := range scanNames(t, s.trials) {
		checkPNG(t, filepath.Join(out, "blurry", name+".png"), 64)
	}
	checkBlended(t, out, scanNames(t, s.trials)[0])
	c.refuse([]string{"made otherwise", `"blend": 0.4, wanted "blend": 1`}, append(args, "--start", "blurry", "--strength", ".5", "--blend", "1", "--out", out)...)
	c.refuse([]string{"made otherwise", `"strength": 0.5, wanted "strength": 0.6`}, append(args, "--start", "blurry", "--strength", ".6", "--out", out)...)

	// A decoder that is trained again without a low-level model has none.
	c.must(append(train, "--stimuli", s.train)...)
	if _, err := os.Stat(filepath.Join(s.decoder, "lowlevel")); !os.IsNotExist(err) {
		t.Errorf("the low-level model of the decoder before: %v", err)
	}
	c.refuse([]string{"--blend 0.2 needs a low-level model", "engram train --low-level"}, append(args, "--blend", ".2", "--out", filepath.Join(t.TempDir(), "none"))...)
	c.refuse([]string{"the weight of the blurry image is 1.5, wanted a number from 0 to 1"}, append(args, "--blend", "1.5", "--out", filepath.Join(t.TempDir(), "none"))...)
	c.refuse([]string{"blurry images need a low-level model", "engram train --low-level"}, append(args, "--start", "blurry", "--out", filepath.Join(t.TempDir(), "none"))...)
	c.refuse([]string{"--low-level needs --stimuli"}, "train", "--voxels", s.trainScans.train, "--targets", s.voxels, "--model", "scenes-clip", "--low-level", "--out", s.decoder)
	c.refuse([]string{"--low-level-kind needs --low-level"}, "train", "--voxels", s.trainScans.train, "--stimuli", s.train, "--low-level-kind", "ridge", "--out", s.decoder)
	c.refuse([]string{`--low-level-kind is "x", wanted one of ridge, network`}, "train", "--voxels", s.trainScans.train, "--stimuli", s.train, "--low-level", "--low-level-kind", "x", "--out", s.decoder)
	c.refuse([]string{"--autoencoder needs --low-level"}, "train", "--voxels", s.trainScans.train, "--stimuli", s.train, "--autoencoder", "x", "--out", s.decoder)
}

// checkBlended checks that the picture of a scan is its candidate with .4 of the blurry image.
func checkBlended(t *testing.T, out, name string) {
	t.Helper()
	var images [3]*pixels.Image
	for i, file := range []string{"candidates/" + name + "-0.png", "blurry/" + name + ".png", "reconstructed/" + name + ".png"} {
		var err error
		if images[i], err = pixels.DecodeFile(t.Context(), filepath.Join(out, filepath.FromSlash(file)), pixels.Limits{}); err != nil {
			t.Fatal(err)
		}
	}
	want, err := recon.Blend(images[0], images[1], .4)
	if err != nil || !slices.Equal(images[2].Pix, want.Pix) {
		t.Errorf("%s is not the candidate blended with the blurry image: %v", name, err)
	}
}
