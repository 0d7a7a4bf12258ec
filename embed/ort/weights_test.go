package ort_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/embed/ort"
	"engram/embed/ort/orttest"
)

// A model with more weights than there is memory is refused before they are read. The
// file of weights is sparse and takes no room on the disk.
func TestAModelThatCannotFitIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/meminfo"); err != nil {
		t.Skip("SKIPPED: free memory is read from /proc, which is Linux's")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../hub/layout/testdata/repositories/external-data/onnx")); err != nil {
		t.Fatal(err)
	}
	const bytes = 8 << 40
	if err := os.Truncate(filepath.Join(dir, "vision_model.onnx_data"), bytes); err != nil {
		t.Skipf("SKIPPED: the file system has no sparse files of 8 TB: %v", err)
	}
	path := filepath.Join(dir, "vision_model.onnx")
	s, err := orttest.Runtime(t).OpenFile(path, ort.SessionOptions{})
	if err == nil {
		s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), path+": the weights need 8796.1 GB of memory, ") {
		t.Errorf("error is %v, want one of the file and of 8796.1 GB", err)
	}
}
