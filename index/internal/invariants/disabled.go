//go:build !invariants

package invariants

// Enabled says whether checks are compiled in. What a check needs is worked out
// where Enabled only, so that the compiler leaves it out.
const Enabled = false
