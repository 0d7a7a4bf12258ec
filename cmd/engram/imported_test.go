package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/data/npy"
)

// Folders that scripts/export_clip.py, export_diffusion.py and import_mindeye.py wrote, of
// small networks of random weights.
const (
	importedCLIP   = "../../embed/hub/layout/testdata/repositories/exported-tokens"
	importedFolder = "../../recon/testdata/exported"
)

// Pictures of scans are made by imported models alone: MindEye's decoder, prior and low
// level, and a pipeline of half precision.
func TestReconstructByImportedModels(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	voxels := filepath.Join(t.TempDir(), "scans.npy")
	writeImportedScans(t, voxels, 2, 30)
	pipeline := func(name string) []string {
		return []string{"--autoencoder", filepath.Join(importedFolder, name, "autoencoder"), "--denoiser", filepath.Join(importedFolder, name, "denoiser")}
	}
	base := []string{"reconstruct", "--voxels", voxels, "--model", importedCLIP, "--decoder", filepath.Join(importedFolder, "mindeye"), "--steps", "3", "--candidates", "2"}
	for name, options := range map[string][]string{"transformer": nil, "none": {"--prior", "none", "--start", "blurry"}} {
		out := filepath.Join(t.TempDir(), name)
		c.must(slices.Concat(base, pipeline("versatile"), options, []string{"--out", out})...)
		for _, folder := range []string{"reconstructed", "blurry"} {
			checkPNG(t, filepath.Join(out, folder, "0001.png"), 16)
		}
		text, err := os.ReadFile(filepath.Join(out, "choices.json"))
		if err != nil {
			t.Fatal(err)
		}
		var choices struct{ Prior, Method string }
		if err := json.Unmarshal(text, &choices); err != nil {
			t.Fatal(err)
		}
		if want := strings.TrimPrefix(name, "none"); choices.Prior != want || choices.Method != "unipc" {
			t.Errorf("%s: pictures were made by %+v", name, choices)
		}
	}
	refuse := func(parts []string, args ...string) {
		t.Helper()
		c.refuse(parts, slices.Concat(base, args, []string{"--out", filepath.Join(t.TempDir(), "none")})...)
	}
	refuse([]string{"wants 1 tokens of 12 elements", "has 17 of 16"}, pipeline("variations")...)
	refuse([]string{"predicts the latents of another autoencoder"}, append(pipeline("versatile"), "--start", "blurry", "--autoencoder", filepath.Join(importedFolder, "unclip", "autoencoder"))...)
	refuse([]string{"is a model of kind prior, want a decoder"}, append(pipeline("versatile"), "--decoder", filepath.Join(importedFolder, "mindeye", "prior"))...)
	refuse([]string{"is a model of kind lowlevel, wanted denoiser"}, append(pipeline("versatile"), "--denoiser", filepath.Join(importedFolder, "mindeye", "lowlevel"))...)
	writeImportedScans(t, voxels, 2, 31)
	refuse([]string{"31 voxels"}, pipeline("versatile")...)
}

// writeImportedScans writes scans that the small decoder can read.
func writeImportedScans(t *testing.T, path string, scans, voxels int) {
	t.Helper()
	values := make([]float32, scans*voxels)
	for i := range values {
		values[i] = float32(i*37%19)/9 - 1
	}
	if err := npy.WriteFile(path, []int{scans, voxels}, values); err != nil {
		t.Fatal(err)
	}
}
