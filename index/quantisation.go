package index

import "slices"

// Quantisation is what a search reads in place of float32 vectors: codes, which
// are smaller, and after which the best are compared exactly.
type Quantisation string

// The quantisations.
const (
	Unquantised Quantisation = "none"   // the vectors themselves
	Int8        Quantisation = "int8"   // one byte per element: a quarter of the size, hardly any loss
	Binary      Quantisation = "binary" // one bit per element: 1/32 of the size, needs many candidates
)

// Known reports whether q is one of the quantisations.
func (q Quantisation) Known() bool {
	return slices.Contains([]Quantisation{Unquantised, Int8, Binary}, q)
}
