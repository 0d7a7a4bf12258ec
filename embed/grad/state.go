package grad

import (
	"fmt"
	"slices"
)

// State is what training changes: every parameter's values and its two moments
// of AdamW, by the parameter's name, each flat and row-major. Every epoch puts
// other arrays into the maps and writes into the old ones again an epoch later:
// copy what is to be kept.
type State struct {
	Values map[string][]float32
	M, V   map[string][]float32 // mean of the gradients, mean of their squares
	Steps  int                  // optimiser steps so far

	spare *State // of the same sizes, written by the next epoch
}

// NewState returns a state for params with zero moments. init fills one
// parameter's values, which are zero when it is called.
func NewState(params []*Param, init func(p *Param, values []float32)) *State {
	s := emptyState()
	for _, p := range params {
		s.Values[p.Name] = make([]float32, p.Size())
		s.M[p.Name] = make([]float32, p.Size())
		s.V[p.Name] = make([]float32, p.Size())
		init(p, s.Values[p.Name])
	}
	return s
}

func emptyState() *State {
	return &State{Values: map[string][]float32{}, M: map[string][]float32{}, V: map[string][]float32{}}
}

// Check returns an error where the state lacks an array of a parameter or has
// one of another size.
func (s *State) Check(params []*Param) error {
	for _, p := range params {
		for kind, arrays := range map[string]map[string][]float32{"values": s.Values, "first moments": s.M, "second moments": s.V} {
			if n := len(arrays[p.Name]); n != p.Size() {
				return fmt.Errorf("grad: parameter %s of shape %v needs %d %s, the state has %d", p.Name, p.Shape, p.Size(), kind, n)
			}
		}
	}
	return nil
}

// blockElements is the size that row blocks of a large matrix aim at: 1 MiB of
// float32. The two values, two moments, gradient and the temporaries of a block
// then fit in a core's cache. Blocks of 0.7 to 2 MiB measured within 10 % of
// each other; half a MiB loses to the cost of more operators.
const blockElements = 1 << 18

// blockHeights returns the heights of the row blocks in which an array is kept
// during training, one block for all but large matrices.
func blockHeights(shape []int) []int {
	if len(shape) == 0 {
		return []int{1}
	}
	rows, total := shape[0], size(shape)
	blocks := 1
	if len(shape) == 2 && total >= 2*blockElements {
		blocks = min(rows, (total+blockElements-1)/blockElements)
	}
	heights := make([]int, blocks)
	for i := range heights {
		heights[i] = rows*(i+1)/blocks - rows*i/blocks
	}
	return heights
}

// cut returns the parts of a flat row-major array that hold its row blocks.
func cut(data []float32, heights []int) [][]float32 {
	rows := 0
	for _, h := range heights {
		rows += h
	}
	width := len(data) / rows
	parts, at := make([][]float32, len(heights)), 0
	for i, h := range heights {
		parts[i] = data[at : at+h*width : at+h*width]
		at += h * width
	}
	return parts
}

// blockShape returns the shape of a row block of an array.
func blockShape(shape []int, height int) []int64 {
	s := slices.Clone(shape)
	if len(s) > 0 {
		s[0] = height
	}
	return int64s(s)
}
