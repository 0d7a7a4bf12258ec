package space

import (
	"errors"
	"fmt"
)

// ErrOther reports that vectors of two embedding spaces met.
var ErrOther = errors.New("another embedding space")

// Space is the embedding space of a model. The zero Space stands for vectors whose
// model was not recorded.
type Space struct {
	// Name is the model's name and version, for messages.
	Name string `json:"name"`
	// Fingerprint identifies the model: the hexadecimal SHA-256 of its manifest.
	// Two spaces are the same where their fingerprints are equal, whatever their
	// names.
	Fingerprint string `json:"fingerprint"`
}

// Known reports whether the model was recorded.
func (s Space) Known() bool { return s.Fingerprint != "" }

// String is the name with the first 12 digits of the fingerprint, or "no
// model" for the zero Space.
func (s Space) String() string {
	switch {
	case !s.Known() && s.Name == "":
		return "no model"
	case !s.Known():
		return s.Name
	case s.Name == "":
		return fmt.Sprintf("%.12s", s.Fingerprint)
	}
	return fmt.Sprintf("%s (%.12s)", s.Name, s.Fingerprint)
}

// Same reports whether vectors of the two spaces can be compared.
func (s Space) Same(other Space) bool { return s.Fingerprint == other.Fingerprint }

// Check returns an error that wraps ErrOther where what, a thing of this space,
// meets a thing of another one. A space that was not recorded accepts every
// other.
func (s Space) Check(what string, other Space, otherWhat string) error {
	if !s.Known() || s.Same(other) {
		return nil
	}
	return fmt.Errorf("%s is of %s, %s of %s: %w", what, s, otherWhat, other, ErrOther)
}
