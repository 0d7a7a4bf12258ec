package layout

import (
	"errors"
	"fmt"

	"engram/embed/hub"
)

// ErrLayout reports a repository or folder that publishes no model in a layout that is
// known. The error around it names the file and what was missing.
var ErrLayout = errors.New("unknown layout")

// ErrNoONNX reports a repository or folder without an ONNX file.
var ErrNoONNX = errors.New("no ONNX file")

// ErrPrecision reports a model that is not published in the wanted precision.
var ErrPrecision = errors.New("precision not published")

// ErrOperator reports a graph with operators that ONNX Runtime does not have.
var ErrOperator = errors.New("unknown operator")

func pointerError(name string) error {
	return say(hub.ErrPointer, "%s is a pointer to the file, as a clone without Git LFS has it: run git lfs pull, or let engram fetch the repository", name)
}

// sentence is an error whose text is a whole sentence, and whose kind is a sentinel
// that adds nothing to it.
type sentence struct {
	error
	kind error
}

// say returns an error of a kind with the text that fmt.Errorf makes.
func say(kind error, format string, args ...any) error {
	return &sentence{fmt.Errorf(format, args...), kind}
}

// Unwrap returns the kind and what the text was made of.
func (s *sentence) Unwrap() []error { return []error{s.kind, s.error} }
