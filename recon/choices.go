package recon

import (
	"cmp"

	"engram/recon/diffusion"
)

// Choices are how pictures are drawn once all defaults are filled in, for a record
// of what was done.
type Choices struct {
	Method     diffusion.Method  `json:"method"`
	Order      int               `json:"order,omitempty"` // of unipc
	Spacing    diffusion.Spacing `json:"spacing"`
	Offset     int               `json:"offset,omitempty"`
	Karras     bool              `json:"karras,omitempty"`
	Steps      int               `json:"steps"`
	Guidance   float64           `json:"guidance"`
	Candidates int               `json:"candidates"`
	Seed       uint64            `json:"seed"`
	Strength   float64           `json:"strength,omitempty"` // where pictures begin from images
}

// Choices returns what options mean for this denoiser. Images to begin from need not
// be there yet where there is a strength.
func (r *Reconstructor) Choices(o Options) (Choices, error) {
	strength := o.Strength
	o.Starts, o.Strength = nil, 0
	o, err := o.complete(r.sampling, 0)
	if err != nil {
		return Choices{}, err
	}
	how := o.solving(r.sampling)
	solver, err := r.schedule.Solver(how)
	if err == nil && strength != 0 {
		_, err = solver.Taken(strength)
	}
	if err != nil {
		return Choices{}, err
	}
	c := Choices{
		Method: cmp.Or(how.Method, diffusion.DDIM), Spacing: cmp.Or(how.Spacing, diffusion.Trailing), Offset: how.Offset,
		Karras: how.Karras, Steps: how.Steps, Guidance: o.Guidance, Candidates: o.Candidates, Seed: o.Seed, Strength: strength,
	}
	if c.Method == diffusion.UniPC {
		c.Order = cmp.Or(how.Order, 2)
	}
	return c, nil
}
