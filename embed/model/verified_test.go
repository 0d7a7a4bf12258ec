package model_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"engram/embed/model"
)

// large writes a model whose graph has 2 MiB, an hour old as its folder is.
func large(t *testing.T) (dir, graph string) {
	t.Helper()
	dir = folder(t)
	graph = filepath.Join(dir, "a.onnx")
	if err := os.WriteFile(graph, bytes.Repeat([]byte{7}, 2<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := model.Write(dir, manifest(model.Features)); err != nil {
		t.Fatal(err)
	}
	return dir, graph
}

// opens tells whether the model is opened, as it must be unless its content changed.
func opens(t *testing.T, v *model.Verified, dir string) bool {
	t.Helper()
	_, err := v.Open(dir)
	if err != nil && !errors.Is(err, model.ErrChecksum) {
		t.Fatal(err)
	}
	return err == nil
}

// The time of change cannot be set, so the test waits until the file is old enough
// to be remembered.
func TestAChangedFileIsHashedAgain(t *testing.T) {
	t.Parallel()
	dir, graph := large(t)
	memory := t.TempDir()
	v := model.NewVerified(memory)
	if !opens(t, v, dir) {
		t.Fatal("the model does not open")
	}
	if records, _ := os.ReadDir(memory); len(records) != 0 {
		t.Error("a file that was just written is remembered")
	}
	time.Sleep(3200 * time.Millisecond)
	if !opens(t, v, dir) {
		t.Fatal("the model does not open")
	}
	records, err := os.ReadDir(memory)
	if err != nil || len(records) != 1 {
		t.Fatalf("%d files are remembered (%v), want the large one", len(records), err)
	}
	// A memory that says another hash shows that it is read.
	record := filepath.Join(memory, records[0].Name())
	text, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	wrong := bytes.Replace(text, []byte(`"sha256":"`), []byte(`"sha256":"0000`), 1)
	wrong = append(wrong[:len(wrong)-6], `"}`...)
	if err := os.WriteFile(record, wrong, 0o644); err != nil {
		t.Fatal(err)
	}
	if opens(t, v, dir) {
		t.Error("the memory is not read")
	}
	if _, err := model.Open(dir); err != nil {
		t.Error("Open without a memory:", err)
	}
	if err := os.WriteFile(record, text, 0o644); err != nil {
		t.Fatal(err)
	}

	// Another byte with the old size and the old time of modification.
	info, err := os.Stat(graph)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(graph, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte{8}, 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.Close(), os.Chtimes(graph, info.ModTime(), info.ModTime())); err != nil {
		t.Fatal(err)
	}
	if opens(t, v, dir) {
		t.Error("a changed file is taken from memory")
	}
	// A damaged memory is no obstacle.
	if err := errors.Join(os.WriteFile(record, []byte("{"), 0o644), os.WriteFile(graph, bytes.Repeat([]byte{7}, 2<<20), 0o644)); err != nil {
		t.Fatal(err)
	}
	if !opens(t, v, dir) {
		t.Error("a damaged memory keeps the model from opening")
	}
}

// An unwritable memory costs time and nothing else.
func TestAMemoryThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir, _ := large(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if !opens(t, model.NewVerified(filepath.Join(file, "below")), dir) {
		t.Error("the model does not open")
	}
}
