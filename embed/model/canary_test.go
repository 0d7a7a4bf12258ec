package model_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"engram/embed/model"
)

func TestACanaryIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	change := manifest(model.Features)
	change.D = 3
	m, err := model.Write(dir, change)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := m.Canary(); c != nil || err != nil {
		t.Errorf("a model without a canary has %v, %v", c, err)
	}
	want := model.Canary{
		Format: 1, Fingerprint: m.Fingerprint(), Machine: model.Machine{ONNXRuntime: "1.27.0", OS: "linux", Device: "cpu"},
		Images: [][]float32{{.6, 0, .8}, {0, 1, 0}}, Texts: [][]float32{{1, 0, 0}, {}},
	}
	if err := model.WriteCanary(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := m.Canary()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Error(diff)
	}
	if again, err := model.Open(dir); err != nil || again.Fingerprint() != m.Fingerprint() {
		t.Errorf("a canary changes the fingerprint (%v)", err)
	}
}

func TestCanariesThatAreNotValidAreRefused(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	change := manifest(model.Features)
	change.D = 2
	m, err := model.Write(dir, change)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		``, `[]`, `{"format": 2}`, `{"format": 1, "more": 1}`, `{"format": 1, "images": [[1, 2, 3]]}`,
		`{"format": 1, "images": [[]]}`, `{"format": 1, "images": [], "texts": [[1]]}`, `{"format": 1} 1`,
	} {
		if err := os.WriteFile(filepath.Join(dir, model.CanaryName), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Canary(); !errors.Is(err, model.ErrInvalid) || !strings.Contains(err.Error(), model.CanaryName) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestFilesThatDescribeAModelAreNoneOfIts(t *testing.T) {
	t.Parallel()
	for _, name := range []string{model.FileName, model.LinksName, model.CanaryName} {
		m := manifest(model.Features)
		m.Files = map[string]string{name: ""}
		if _, err := model.Write(folder(t), m); !errors.Is(err, model.ErrInvalid) {
			t.Errorf("%s is listed: %v", name, err)
		}
	}
}

func FuzzCanary(f *testing.F) {
	f.Add([]byte(`{"format": 1, "machine": {"cpu": "x"}, "images": [[0, 1]], "texts": [[]]}`))
	dir := f.TempDir()
	change := manifest(model.Features)
	change.D = 2
	if err := os.WriteFile(filepath.Join(dir, "a.onnx"), nil, 0o644); err != nil {
		f.Fatal(err)
	}
	m, err := model.Write(dir, change)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, model.CanaryName), text, 0o644); err != nil {
			t.Fatal(err)
		}
		c, err := m.Canary()
		if err != nil {
			return
		}
		if err := model.WriteCanary(dir, *c); err != nil {
			t.Fatal(err)
		}
		again, err := m.Canary()
		if diff := cmp.Diff(c, again, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}
