package scanner

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/blas/blas32"
)

// Responses returns the noiseless responses to the stimuli in per cent signal
// change, [stimuli.Count, voxels].
func (s *Subject) Responses(stimuli Stimuli) (blas32.General, error) {
	v := len(s.voxels)
	out := blas32.General{Rows: stimuli.Count, Cols: v, Stride: v, Data: make([]float32, stimuli.Count*v)}
	err := s.eachTerms(stimuli, func(i int, all [][terms]float64) {
		for j := range all {
			out.Data[i*v+j] = float32(s.voxels[j].response(&all[j]))
		}
	})
	if err != nil {
		return blas32.General{}, fmt.Errorf("scanner: %w", err)
	}
	return out, nil
}

// response returns the sum of the terms in per cent signal change.
func (s *scale) response(x *[terms]float64) float64 {
	sum := s.offset
	for k, gain := range s.gain {
		sum += gain * x[k]
	}
	return sum
}

// eachTerms calls do with the terms of every voxel's response to every stimulus,
// in order. It looks at as many stimuli at a time as there are processors.
func (s *Subject) eachTerms(stimuli Stimuli, do func(i int, all [][terms]float64)) error {
	retinas := sync.Pool{New: func() any { return newRetina() }}
	chunk := 8 * runtime.GOMAXPROCS(0)
	found, failed := make([][][terms]float64, chunk), make([]error, chunk)
	for from := 0; from < stimuli.Count; from += chunk {
		n := min(chunk, stimuli.Count-from)
		var group errgroup.Group
		group.SetLimit(runtime.GOMAXPROCS(0))
		for i := range n {
			group.Go(func() error {
				eye := retinas.Get().(*retina)
				defer retinas.Put(eye)
				found[i], failed[i] = s.terms(found[i], eye, stimuli, from+i)
				return nil
			})
		}
		_ = group.Wait() // nil: errors are kept in order
		for i, err := range failed[:n] {
			if err != nil {
				return fmt.Errorf("stimulus %d: %w", from+i, err)
			}
		}
		for i := range n {
			do(from+i, found[i])
		}
	}
	return nil
}

// terms returns the terms of every voxel's response to one stimulus, in dst
// where it is not nil.
func (s *Subject) terms(dst [][terms]float64, eye *retina, stimuli Stimuli, i int) ([][terms]float64, error) {
	stimulus, err := stimuli.At(i)
	if err != nil {
		return dst, err
	}
	if stimulus == nil {
		return dst, errors.New("wanted a stimulus, found none")
	}
	if err := stimulus.check(); err != nil {
		return dst, err
	}
	if dst == nil {
		dst = make([][terms]float64, len(s.voxels))
	}
	cells := eye.look(stimulus)
	content := stimulus.coded()
	var seen [features]float32 // one for all voxels: a call of a kernel moves it to the heap
	for j := range s.voxels {
		s.voxels[j].pool.over(&seen, cells)
		dst[j] = s.voxels[j].respond(&seen, content)
	}
	return dst, nil
}
