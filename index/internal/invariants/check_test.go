package invariants_test

import (
	"fmt"
	"testing"

	"engram/index/internal/invariants"
)

func TestABrokenInvariantPanicsWhereItIsChecked(t *testing.T) {
	said := func(ok bool) (said any) {
		defer func() { said = recover() }()
		invariants.Check(ok, "%d rows", 3)
		return nil
	}
	if got := said(true); got != nil {
		t.Errorf("what holds says %v", got)
	}
	want := "<nil>"
	if invariants.Enabled {
		want = "invariant broken: 3 rows"
	}
	if got := fmt.Sprint(said(false)); got != want {
		t.Errorf("what is broken says %q, want %q", got, want)
	}
}
