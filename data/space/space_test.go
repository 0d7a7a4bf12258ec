package space_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"engram/data/space"
)

func TestCheck(t *testing.T) {
	clip := space.Space{Name: "clip 1", Fingerprint: "a"}
	for _, c := range []struct {
		s, other space.Space
		want     error
	}{
		{space.Space{}, space.Space{}, nil},
		{space.Space{}, clip, nil},
		{clip, clip, nil},
		{clip, space.Space{Name: "renamed", Fingerprint: "a"}, nil},
		{clip, space.Space{Name: "clip 1", Fingerprint: "b"}, space.ErrOther},
		{clip, space.Space{}, space.ErrOther},
	} {
		if err := c.s.Check("the index", c.other, "the query"); !errors.Is(err, c.want) {
			t.Errorf("%v meets %v: error %v, want %v", c.s, c.other, err, c.want)
		}
	}
}

func TestString(t *testing.T) {
	for want, s := range map[string]space.Space{
		"no model":              {},
		"a file":                {Name: "a file"},
		"0123456789ab":          {Fingerprint: strings.Repeat("0123456789abcdef", 4)},
		"clip 1 (0123456789ab)": {Name: "clip 1", Fingerprint: strings.Repeat("0123456789abcdef", 4)},
	} {
		if got := s.String(); got != want {
			t.Errorf("%#v is written %q, want %q", s, got, want)
		}
	}
}

// An index of one model refuses the queries of another.
func ExampleSpace_Check() {
	recorded := space.Space{Name: "clip-vit-b32 1.0", Fingerprint: "5f3a9c0e1b2d"}
	asking := space.Space{Name: "mobilenetv2 1.0", Fingerprint: "9e8d7c6b5a40"}
	fmt.Println(recorded.Check("the index", asking, "the query"))
	// Output: the index is of clip-vit-b32 1.0 (5f3a9c0e1b2d), the query of mobilenetv2 1.0 (9e8d7c6b5a40): another embedding space
}
