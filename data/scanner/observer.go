package scanner

import (
	"errors"
	"fmt"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// Observer is an ideal observer: it knows the subject's noiseless response to
// every candidate and the covariance of the noise, and chooses the candidate with
// the highest likelihood of the measurement. No decoder that has to learn from
// scans identifies more images in the long run, so that the observer's score is
// the ceiling that decoders are measured against.
//
// Noise is taken as independent between the trials that are averaged. It is so
// where the trials belong to different sessions, as a Schedule makes them.
type Observer struct {
	subject    *Subject
	gram       blas64.Triangular // Cholesky factor of own·I + LᵀL
	candidates int
	scaled     []float64 // [candidates, voxels], in units of the noise's deviation
	shared     []float64 // [candidates, sources], U⁻ᵀLᵀ of the same
}

// Observer returns the ideal observer for the rows of responses, which
// Responses made, as candidates.
func (s *Subject) Observer(responses blas32.General) (*Observer, error) {
	if responses.Rows < 1 || responses.Cols != len(s.voxels) {
		return nil, fmt.Errorf("scanner: wanted responses of %d voxels to a picture at least, found %d×%d",
			len(s.voxels), responses.Rows, responses.Cols)
	}
	o := &Observer{subject: s, candidates: responses.Rows}
	if err := o.factorise(); err != nil {
		return nil, err
	}
	for i := range responses.Rows {
		scaled, shared := o.whiten(responses.Data[i*responses.Stride:][:responses.Cols])
		o.scaled = append(o.scaled, scaled...)
		o.shared = append(o.shared, shared...)
	}
	return o, nil
}

// factorise sets gram.
func (o *Observer) factorise() error {
	n := o.subject.noise.sources
	gram := blas64.Symmetric{Uplo: blas.Upper, N: n, Stride: n, Data: make([]float64, n*n)}
	for i := range n {
		gram.Data[i*n+i] = own
	}
	for _, loads := range o.subject.noise.loads {
		for _, a := range loads {
			for _, b := range loads {
				gram.Data[a.source*n+b.source] += a.weight * b.weight
			}
		}
	}
	var positive bool
	if o.gram, positive = lapack64.Potrf(gram); !positive {
		return errors.New("scanner: the covariance of the noise is not positive definite")
	}
	return nil
}

// whiten returns a response in units of the noise's deviation, x, and y = U⁻ᵀLᵀx
// with UᵀU = own·I + LᵀL. By the Woodbury identity xᵀ(L·Lᵀ + own·I)⁻¹x, the
// squared Mahalanobis length, is (|x|² − |y|²)/own.
func (o *Observer) whiten(response []float32) (x, y []float64) {
	n := o.subject.noise
	x, y = make([]float64, len(response)), make([]float64, n.sources)
	for v, r := range response {
		x[v] = float64(r) / o.subject.voxels[v].noise
		for _, l := range n.loads[v] {
			y[l.source] += l.weight * x[v]
		}
	}
	blas64.Trsv(blas.Trans, o.gram, blas64.Vector{N: len(y), Data: y, Inc: 1})
	return x, y
}

// LogLikelihoods writes, for each candidate, the logarithm of the density of a
// measurement, less a term that is the same for all, to dst. The measurement is
// the mean of so many repeats of a trial.
func (o *Observer) LogLikelihoods(dst []float64, measured []float32, repeats int) error {
	if len(dst) != o.candidates || len(measured) != len(o.subject.voxels) || repeats < 1 {
		return fmt.Errorf("scanner: wanted %d candidates, %d voxels and a repeat at least, found %d, %d and %d",
			o.candidates, len(o.subject.voxels), len(dst), len(measured), repeats)
	}
	x, y := o.whiten(measured)
	for c := range dst {
		d := distance2(x, o.scaled[c*len(x):]) - distance2(y, o.shared[c*len(y):])
		dst[c] = -float64(repeats) * d / (2 * own)
	}
	return nil
}

// Identify returns the candidate under which a measurement, the mean of any
// number of repeats, is likeliest.
func (o *Observer) Identify(measured []float32) (int, error) {
	likely := make([]float64, o.candidates)
	if err := o.LogLikelihoods(likely, measured, 1); err != nil {
		return 0, err
	}
	best := 0
	for c, l := range likely {
		if l > likely[best] {
			best = c
		}
	}
	return best, nil
}

// distance2 returns the squared distance of a from the front of b.
func distance2(a, b []float64) float64 {
	var sum float64
	for i, x := range a {
		sum += (x - b[i]) * (x - b[i])
	}
	return sum
}
