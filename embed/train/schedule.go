package train

import "math"

// OneCycle is the learning-rate schedule of Smith & Topin 2019
// (arXiv 1708.07120) in the form of PyTorch's OneCycleLR: the rate rises to its
// maximum and falls to almost nothing along two half cosines, while Adam's
// first momentum falls and rises against it. NewOneCycle fills in what MindEye
// trains with.
type OneCycle struct {
	MaxLR     float64 // the highest rate
	Steps     int     // optimiser steps of the whole training
	WarmUp    float64 // share of the steps in which the rate rises
	Div       float64 // the first rate is MaxLR/Div
	FinalDiv  float64 // the last rate is MaxLR/(Div·FinalDiv)
	Beta1Low  float64 // momentum at the highest rate
	Beta1High float64 // momentum at the first and the last step
}

// NewOneCycle returns MindEye's schedule (Scotti et al. 2023, arXiv 2305.18274,
// Train_MindEye.py) over steps optimiser steps. The rate rises during the share
// warmUp of them: 2 epochs of 240 in the published training.
func NewOneCycle(maxLR float64, steps int, warmUp float64) OneCycle {
	return OneCycle{MaxLR: maxLR, Steps: steps, WarmUp: warmUp, Div: 25, FinalDiv: 1000, Beta1Low: 0.85, Beta1High: 0.95}
}

// At returns the learning rate and the momentum β1 that optimiser step number
// step uses, counted from zero. Steps after the last use what the last uses.
func (c OneCycle) At(step int) (lr, beta1 float64) {
	first, last := c.MaxLR/c.Div, c.MaxLR/(c.Div*c.FinalDiv)
	top, end := c.WarmUp*float64(c.Steps)-1, float64(c.Steps-1)
	at := min(float64(step), end)
	if at < top {
		return HalfCosine(first, c.MaxLR, at/top), HalfCosine(c.Beta1High, c.Beta1Low, at/top)
	}
	if end <= top { // nothing falls: the last step is the top
		return c.MaxLR, c.Beta1Low
	}
	done := (at - top) / (end - top)
	return HalfCosine(c.MaxLR, last, done), HalfCosine(c.Beta1Low, c.Beta1High, done)
}

// HalfCosine goes from a at done 0 to b at done 1 along half a cosine.
func HalfCosine(a, b, done float64) float64 {
	return b + (a-b)/2*(1+math.Cos(math.Pi*done))
}
