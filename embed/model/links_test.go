package model_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/embed/model"
)

// move takes a file of a model out of its folder and puts a link to it in its place.
func move(t *testing.T, dir, name string) (target string) {
	t.Helper()
	target = filepath.Join(t.TempDir(), "blob")
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := errors.Join(os.Rename(path, target), os.Symlink(target, path)); err != nil {
		t.Fatal(err)
	}
	return target
}

func TestALinkOutOfTheFolderMustBeListed(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	written, err := model.Write(dir, manifest(model.CLIP))
	if err != nil {
		t.Fatal(err)
	}
	target := move(t, dir, "a.onnx")
	if _, err := model.Open(dir); err == nil || !strings.Contains(err.Error(), "a.onnx") {
		t.Errorf("a link that is not listed: %v", err)
	}
	if err := model.WriteLinks(dir, []string{"a.onnx"}); err != nil {
		t.Fatal(err)
	}
	m, err := model.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if m.Fingerprint() != written.Fingerprint() {
		t.Error("a link changes the fingerprint")
	}
	if again, err := model.Write(dir, manifest(model.CLIP)); err != nil || again.Fingerprint() != written.Fingerprint() {
		t.Errorf("Write of a linked file: %v", err)
	}

	if err := os.WriteFile(target, []byte("other"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := model.Open(dir); !errors.Is(err, model.ErrChecksum) {
		t.Errorf("a linked file with another content: %v", err)
	}
	if err := os.Remove(target); err != nil {
		t.Fatal(err)
	}
	if _, err := model.Open(dir); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "a.onnx") {
		t.Errorf("a link to nothing: %v", err)
	}
	if err := model.WriteLinks(dir, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, model.LinksName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the list is still there: %v", err)
	}
}

func TestListsOfLinksThatAreNotValidAreRefused(t *testing.T) {
	t.Parallel()
	if err := model.WriteLinks(t.TempDir(), []string{"../a.onnx"}); !errors.Is(err, model.ErrInvalid) {
		t.Errorf("a path out of the folder is listed: %v", err)
	}
	for _, text := range []string{`{`, `{"format": 2}`, `{"format": 1, "files": ["/etc/passwd"]}`, `{"format": 1, "x": 1}`, `{"format": 1} {}`} {
		dir := folder(t)
		if _, err := model.Write(dir, manifest(model.CLIP)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, model.LinksName), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := model.Open(dir); !errors.Is(err, model.ErrInvalid) || !strings.Contains(err.Error(), model.LinksName) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzLinks(f *testing.F) {
	f.Add([]byte(`{"format": 1, "files": ["a.onnx", "sub/vocab.txt"]}`))
	f.Add([]byte(`{"format": 1, "files": ["..", ""]}`))
	dir := f.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.onnx"), []byte("model"), 0o644); err != nil {
		f.Fatal(err)
	}
	if _, err := model.Write(dir, manifest(model.Features)); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(filepath.Join(dir, model.LinksName), text, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := model.Open(dir); err != nil && !errors.Is(err, model.ErrInvalid) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
