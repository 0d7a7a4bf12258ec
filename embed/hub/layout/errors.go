package layout

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrLayout reports a repository or folder that publishes no model in a layout that is
// known. The error around it names the file and what was missing.
var ErrLayout = errors.New("unknown layout")

// ErrNoONNX reports a repository or folder without an ONNX file.
var ErrNoONNX = errors.New("no ONNX file")

// ErrPrecision reports a model that is not published in the wanted precision.
var ErrPrecision = errors.New("precision not published")

// ErrPointer reports a Git LFS pointer in place of a file.
var ErrPointer = errors.New("git LFS pointer")

// ErrOperator reports a graph with operators that ONNX Runtime does not have.
var ErrOperator = errors.New("unknown operator")

// isPointer reports whether a file's first bytes are a Git LFS pointer's
// (git-lfs, docs/spec.md).
func isPointer(head []byte) bool {
	return bytes.HasPrefix(head, []byte("version https://git-lfs.github.com/spec/"))
}

func pointerError(name string) error {
	return fmt.Errorf("%s is a pointer to the file, as a clone without Git LFS has it: run git lfs pull, or let engram fetch the repository: %w", name, ErrPointer)
}
