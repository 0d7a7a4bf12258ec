package model

import (
	"maps"
	"math"
	"slices"
)

// Names that a Sampling may have, as package diffusion does.
var (
	methods  = []string{"ddim", "euler", "dpm++2m", "unipc"}
	priors   = []string{"ddim", "ddpm"}
	spacings = []string{"trailing", "leading", "linspace"}
)

// noiseSteps is the number of steps of the schedule that adds noise to unCLIP's embedding.
const noiseSteps = 1000

// validateSampling checks how a denoiser is sampled.
func (m *Manifest) validateSampling() error {
	s := m.Sampling
	if s == nil {
		return nil
	}
	known := methods
	if m.Kind == Prior {
		known = priors
	}
	switch {
	case s.Method != "" && !slices.Contains(known, s.Method):
		return invalid("sampling: method is %q, wanted one of %q", s.Method, known)
	case s.Spacing != "" && !slices.Contains(spacings, s.Spacing):
		return invalid("sampling: spacing is %q, wanted one of %q", s.Spacing, spacings)
	case s.Karras && (s.Method == "" || s.Method == "ddim"):
		return invalid("sampling: karras is set with method ddim, wanted euler, dpm++2m or unipc")
	case s.Order < 0 || s.Order > 3 || s.Order != 0 && s.Method != "unipc":
		return invalid("sampling: order is %d, wanted 1 to 3 with method unipc", s.Order)
	case s.Offset < 0 || s.Offset != 0 && s.Spacing != "leading":
		return invalid("sampling: offset is %d, wanted 0 or more with spacing leading", s.Offset)
	case s.Steps < 0 || s.Steps > m.Scheduler.Steps:
		return invalid("sampling: steps is %d, wanted 1 to the %d of the scheduler", s.Steps, m.Scheduler.Steps)
	case s.Guidance-s.Guidance != 0 || s.Guidance < 0:
		return invalid("sampling: guidance is %v, wanted a number from 0", s.Guidance)
	}
	return nil
}

// validateCondition checks what a denoiser takes beside latents and time.
func (m *Manifest) validateCondition() error {
	if m.Kind != Denoiser {
		return nil
	}
	inputs := m.Graphs["denoiser"].Inputs
	_, context := inputs["context"]
	_, labels := inputs["labels"]
	if !context && !labels {
		return invalid("models: denoiser: inputs are %q, wanted context or labels too", slices.Sorted(maps.Keys(inputs)))
	}
	if labels && m.T != 1 {
		return invalid("tokens is %d, a denoiser with labels has 1", m.T)
	}
	c := m.Condition
	if c == nil {
		return nil
	}
	switch {
	case c.ZeroText < 0 || c.ZeroText > maxTokens || c.ZeroText > 0 && !context:
		return invalid("condition: zero_text is %d, wanted 0 to %d, and the input context", c.ZeroText, maxTokens)
	case c.NoiseLevel < 0 || c.NoiseLevel > 0 && !labels:
		return invalid("condition: noise_level is %d, wanted 0 or more, and the input labels", c.NoiseLevel)
	}
	if n := c.Noise; n != nil {
		switch {
		case !labels || c.NoiseLevel >= noiseSteps:
			return invalid("condition: noise at the level %d, wanted one of 0 to %d and the input labels", c.NoiseLevel, noiseSteps-1)
		case len(n.Mean) != m.D || len(n.Std) != m.D || slices.ContainsFunc(n.Std, func(x float32) bool { return !(x > 0) }):
			return invalid("condition: noise: mean and std have %d and %d numbers, wanted %d each, and std above 0", len(n.Mean), len(n.Std), m.D)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Constants)) {
		values := c.Constants[name]
		if slices.Contains([]string{"context", "labels", "latent", "time"}, name) || inputs[name] == "" {
			return invalid("condition: constants: %q is not a further input of the graph", name)
		}
		if len(values) == 0 || slices.ContainsFunc(values, func(x float32) bool { return math.IsNaN(float64(x)) }) {
			return invalid("condition: constants: %s has no numbers", name)
		}
	}
	return nil
}
