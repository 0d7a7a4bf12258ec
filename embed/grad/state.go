package grad

import (
	"errors"
	"fmt"
	"slices"
)

// State is what training changes: the values of every parameter and its two
// moments of AdamW. Large matrices are kept in blocks (see blockHeights); a
// Snapshot has everything in the plain layout.
type State struct {
	arrays
	params []*Param
	steps  int
	broken bool // an epoch that did not finish has left it half-way
}

// arrays are values and moments by the parameter's name, as they are kept.
type arrays struct{ values, m, v map[string][]float32 }

func newArrays(params []*Param) arrays {
	a := arrays{values: map[string][]float32{}, m: map[string][]float32{}, v: map[string][]float32{}}
	for _, p := range params {
		a.values[p.Name] = make([]float32, p.Size())
		a.m[p.Name] = make([]float32, p.Size())
		a.v[p.Name] = make([]float32, p.Size())
	}
	return a
}

// Snapshot is a State at one moment: every parameter's values and moments by its
// name, flat and row-major.
type Snapshot struct {
	Values map[string][]float32
	M, V   map[string][]float32 // mean of the gradients, mean of their squares
	Steps  int                  // optimiser steps so far
}

// NewState returns a state for params with zero moments. init fills one
// parameter's values, which are zero when it is called.
func NewState(params []*Param, init func(p *Param, values []float32)) *State {
	s := &State{params: params, arrays: newArrays(params)}
	for _, p := range params {
		init(p, s.values[p.Name])
		pack(s.values[p.Name], p.Shape)
	}
	return s
}

// Restore returns the state that a snapshot was taken of. It returns an error
// where the snapshot lacks an array of a parameter or has one of another size.
func Restore(params []*Param, from Snapshot) (*State, error) {
	s := &State{params: params, arrays: newArrays(params), steps: from.Steps}
	for _, p := range params {
		for _, part := range []struct {
			what string
			from map[string][]float32
			to   map[string][]float32
		}{{"values", from.Values, s.values}, {"first moments", from.M, s.m}, {"second moments", from.V, s.v}} {
			if n := len(part.from[p.Name]); n != p.Size() {
				return nil, fmt.Errorf("grad: parameter %s of shape %v needs %d %s, the snapshot has %d", p.Name, p.Shape, p.Size(), part.what, n)
			}
			copy(part.to[p.Name], part.from[p.Name])
			pack(part.to[p.Name], p.Shape)
		}
	}
	return s, nil
}

// Snapshot returns a copy of the state.
func (s *State) Snapshot() Snapshot {
	return Snapshot{Values: s.plain(s.values), M: s.plain(s.m), V: s.plain(s.v), Steps: s.steps}
}

// Values returns a copy of every parameter's values by its name, flat and row-major: a
// third of a Snapshot's memory.
func (s *State) Values() map[string][]float32 { return s.plain(s.values) }

// plain copies arrays of the state into the plain layout.
func (s *State) plain(kept map[string][]float32) map[string][]float32 {
	out := map[string][]float32{}
	for _, p := range s.params {
		out[p.Name] = slices.Clone(kept[p.Name])
		unpack(out[p.Name], p.Shape)
	}
	return out
}

// check returns an error where the state was not made for a parameter, or an epoch
// has left it half-way.
func (s *State) check(params []*Param) error {
	if s.broken {
		return errors.New("grad: the state is of an epoch that did not finish; want one made by NewState or Restore")
	}
	for _, p := range params {
		if n := len(s.values[p.Name]); n != p.Size() {
			return fmt.Errorf("grad: parameter %s of shape %v needs %d values, the state has %d", p.Name, p.Shape, p.Size(), n)
		}
	}
	return nil
}

// blockElements is the size that the blocks of a large matrix aim at: 1 MiB of
// float32, so that value, moments and gradient of a block stay in the cache between
// its gradient and its update. Blocks of half a MiB to 4 MiB measured within 9 % of
// each other (see NOTES.md); another size changes the order of sums, and so the bits of a training.
const blockElements = 1 << 18

// blockHeights returns how many rows each block of an array has during training:
// one block for all but large matrices. A block of a cut matrix is kept
// transposed, because a product whose left operand is the large one, h·xᵀ, runs
// a third faster than x·hᵀ in ONNX Runtime: only the small operand is repacked.
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

// cut returns the parts of an array as it is kept that hold its blocks.
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

// pack turns a row-major array into the form in which it is kept. A block's elements
// fill the same part of the array in both forms.
func pack(data []float32, shape []int) {
	eachBlock(data, shape, func(block, copied []float32, height, width int) {
		for row := range height {
			for column := range width {
				block[column*height+row] = copied[row*width+column]
			}
		}
	})
}

// unpack undoes pack.
func unpack(data []float32, shape []int) {
	eachBlock(data, shape, func(block, copied []float32, height, width int) {
		for row := range height {
			for column := range width {
				block[row*width+column] = copied[column*height+row]
			}
		}
	})
}

// eachBlock calls transpose with every block of a cut matrix and a copy of it.
func eachBlock(data []float32, shape []int, transpose func(block, copied []float32, height, width int)) {
	heights := blockHeights(shape)
	if len(heights) == 1 {
		return
	}
	var copied []float32
	for i, block := range cut(data, heights) {
		copied = append(copied[:0], block...)
		transpose(block, copied, heights[i], shape[1])
	}
}

// blockShape returns the shape in which a block of an array is kept. A scalar is kept
// as a vector of one element: package ort copies scalars, so that they could not be
// updated in place.
func blockShape(shape []int, heights []int, i int) []int64 {
	switch {
	case len(shape) == 0:
		return []int64{1}
	case len(heights) == 1:
		return int64s(shape)
	}
	return int64s([]int{shape[1], heights[i]})
}
