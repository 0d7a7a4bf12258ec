package demo

import (
	"testing"
)

// A stage's folder changes with everything that it is made from.
func TestFoldersOfStages(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range []stage{
		{name: "a", version: 1, inputs: []any{1, "x"}},
		{name: "a", version: 2, inputs: []any{1, "x"}},
		{name: "b", version: 1, inputs: []any{1, "x"}},
		{name: "a", version: 1, inputs: []any{2, "x"}},
		{name: "a", version: 1, inputs: []any{1, "y"}},
	} {
		dir, err := s.folder("root")
		if err != nil {
			t.Fatal(err)
		}
		seen[dir] = true
	}
	if len(seen) != 5 {
		t.Errorf("five stages have %d folders: %v", len(seen), seen)
	}
}
