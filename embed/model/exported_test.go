package model_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"engram/embed/model"
)

// The scripts export_*.py write manifests without this package. They must come out as
// this package writes them, so that a model has one fingerprint and one form.
func TestTheExportScriptWritesManifestsAsWriteDoes(t *testing.T) {
	t.Parallel()
	for _, from := range []string{
		"../hub/layout/testdata/repositories/exported", "../hub/layout/testdata/repositories/exported-tokens",
		"../../recon/testdata/exported/variations/autoencoder", "../../recon/testdata/exported/unclip/denoiser",
		"../../recon/testdata/exported/mindeye", "../../recon/testdata/exported/mindeye/prior", "../../recon/testdata/exported/mindeye/lowlevel",
	} {
		t.Run(filepath.Base(from), func(t *testing.T) {
			exported, err := model.Open(from)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
			written, err := model.Write(dir, exported.Manifest)
			if err != nil {
				t.Fatal(err)
			}
			if written.Fingerprint() != exported.Fingerprint() {
				t.Errorf("fingerprint %s, the script's manifest has %s", written.Fingerprint(), exported.Fingerprint())
			}
			want, err := os.ReadFile(filepath.Join(dir, model.FileName))
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(from, model.FileName))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("the script wrote\n%s\nWrite makes\n%s", got, want)
			}
		})
	}
}
