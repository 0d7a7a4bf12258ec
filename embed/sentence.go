package embed

import "fmt"

// sentence is an error whose text is a whole sentence, and whose kind is a sentinel
// that adds nothing to it.
type sentence struct {
	error
	kind error
}

// Sentence returns an error of a kind, for errors.Is, with the text that fmt.Errorf
// makes and no more. People read it.
func Sentence(kind error, format string, args ...any) error {
	return &sentence{fmt.Errorf(format, args...), kind}
}

// Unwrap returns the kind and what the text was made of.
func (s *sentence) Unwrap() []error { return []error{s.kind, s.error} }
