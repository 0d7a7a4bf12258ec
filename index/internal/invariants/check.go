package invariants

import "fmt"

// Check panics with what format says where Enabled and not ok: a broken invariant
// is a mistake in the program, and no input can mend it.
func Check(ok bool, format string, args ...any) {
	if Enabled && !ok {
		panic("invariant broken: " + fmt.Sprintf(format, args...))
	}
}
