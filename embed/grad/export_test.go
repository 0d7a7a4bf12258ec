package grad

import "engram/embed/ort"

// NewStandardEpoch compiles the loop with operators of the standard set alone, as it
// is on CUDA.
func NewStandardEpoch(rt *ort.Runtime, loss *Node, opts EpochOptions) (*Epoch, error) {
	return newEpoch(rt, loss, opts, false)
}
