package recon

import (
	"cmp"
	"context"
	"fmt"

	"engram/data/progress"
	"engram/embed"
	"engram/embed/model"
	"engram/embed/pixels"
	"engram/recon/diffusion"
)

// Encoder turns pictures into tokens: clip.Encoder, opened from the model whose
// tokens the denoiser was trained with.
type Encoder interface {
	EncodeTokens(ctx context.Context, images []*pixels.Image) ([]embed.Tokens, error)
}

// Options say how pictures are drawn. The zero value is the default.
type Options struct {
	Steps      int     // of the solver; 0 means the denoiser's own, or 20
	Guidance   float64 // weight of the tokens, see diffusion.Sampling; 0 means the denoiser's own, or 1.5
	Candidates int     // pictures for each scan; 0 means 4
	Batch      int     // the most pictures in one run of a model; 0 means 16
	Seed       uint64  // of the noise that pictures begin as
	// Method solves; "" means the denoiser's own way, or diffusion.DDIM. Karras spaces
	// the noise of its steps as Karras et al. do.
	Method diffusion.Method
	Karras bool
	// Starts has an image for each scan that its pictures begin from, instead of noise
	// alone. Strength is the share of the steps that is taken then; 0 means .85.
	Starts   []*pixels.Image
	Strength float64
	// Compared has for each scan the tokens that its candidates are compared with;
	// nil means the tokens that they are made of.
	Compared []embed.Tokens
	// Sampled says that the tokens are samples of a prior, as many of each scan as there are
	// candidates, one after the other: each candidate is made of its own.
	Sampled bool
	// Progress is told of every step of every batch, in the stage ReconstructingStage,
	// by the caller's goroutine.
	Progress progress.Func
	// Preview is told of the pictures that a batch would become after every
	// PreviewEvery steps; 0 means 5. An error ends the work.
	Preview      func(Preview) error
	PreviewEvery int
}

// Preview is what a batch would become, judged from one of its steps.
type Preview struct {
	Step, Steps int             // from 1 on, of the batch
	First       int             // candidate of the batch, counted over all scans
	Images      []*pixels.Image // of the batch
}

// ReconstructingStage is the stage of Reconstruct in progress reports.
const ReconstructingStage = "reconstructing"

// Candidate is one picture of what may have been seen.
type Candidate struct {
	Image  *pixels.Image
	Cosine float64 // between its tokens and the predicted ones, over all T·D elements
}

// Reconstruction is what was made of one scan.
type Reconstruction struct {
	Candidates []Candidate // in the order in which they were drawn
	Best       int         // the one of the greatest cosine, the first of equals
}

// Image returns the best candidate's picture.
func (r *Reconstruction) Image() *pixels.Image { return r.Candidates[r.Best].Image }

// Reconstruct makes candidates for the tokens of each scan and compares them
// with these through encoder. Candidate c begins as the same noise for every
// scan, so that what is made of a scan does not depend on the others, and more
// candidates begin with the fewer. When ctx ends, so does Reconstruct, within
// one step. Tokens must be T by D and have a direction: else the error wraps
// ErrMismatch, embed.ErrNotFinite or embed.ErrZero.
func (r *Reconstructor) Reconstruct(ctx context.Context, tokens []embed.Tokens, encoder Encoder, opts Options) ([]Reconstruction, error) {
	out, err := r.reconstruct(ctx, tokens, encoder, opts)
	if err != nil {
		return nil, fmt.Errorf("recon: %w", err)
	}
	return out, nil
}

func (r *Reconstructor) reconstruct(ctx context.Context, tokens []embed.Tokens, encoder Encoder, opts Options) ([]Reconstruction, error) {
	scans := len(tokens)
	if opts.Sampled {
		each := cmp.Or(opts.Candidates, defaultCandidates)
		if each < 1 || scans%each != 0 {
			return nil, fmt.Errorf("tokens are %d samples, wanted %d for each scan: %w", scans, each, ErrMismatch)
		}
		scans /= each
	}
	opts, err := opts.complete(r.sampling, scans)
	if err != nil {
		return nil, err
	}
	if err := r.check(tokens); err != nil {
		return nil, err
	}
	if opts.Compared != nil {
		if len(opts.Compared) != scans {
			return nil, fmt.Errorf("tokens to compare with are of %d scans, wanted %d: %w", len(opts.Compared), scans, ErrMismatch)
		}
		if err := r.check(opts.Compared); err != nil {
			return nil, err
		}
	}
	images, err := r.draw(ctx, tokens, opts)
	if err != nil {
		return nil, err
	}
	found, err := encoder.EncodeTokens(ctx, images)
	if err != nil {
		return nil, err
	}
	if len(found) != len(images) {
		return nil, fmt.Errorf("the encoder gives tokens of %d pictures, wanted %d: %w", len(found), len(images), ErrMismatch)
	}
	out := make([]Reconstruction, scans)
	for at, t := range found {
		if err := r.checkShape("tokens of the encoder", t); err != nil {
			return nil, err
		}
		wanted := opts.tokensOf(tokens, at)
		if opts.Compared != nil {
			wanted = opts.Compared[at/opts.Candidates]
		}
		of := &out[at/opts.Candidates]
		of.Candidates = append(of.Candidates, Candidate{images[at], cosine(wanted.Data, t.Data)})
		if last := len(of.Candidates) - 1; of.Candidates[last].Cosine > of.Candidates[of.Best].Cosine {
			of.Best = last
		}
	}
	return out, nil
}

// tokensOf returns the tokens that a candidate is made of, counted over all scans.
func (o *Options) tokensOf(tokens []embed.Tokens, candidate int) embed.Tokens {
	if o.Sampled {
		return tokens[candidate]
	}
	return tokens[candidate/o.Candidates]
}

// defaultCandidates is the number of candidates where none is named.
const defaultCandidates = 4

// complete fills in the defaults: of the model, or else of the program.
func (o Options) complete(own model.Sampling, scans int) (Options, error) {
	for _, field := range []struct {
		name    string
		value   *int
		without int
	}{
		{"steps", &o.Steps, cmp.Or(own.Steps, 20)}, {"candidates", &o.Candidates, defaultCandidates},
		{"batch", &o.Batch, 16}, {"steps between previews", &o.PreviewEvery, 5},
	} {
		if *field.value < 0 {
			return o, fmt.Errorf("%s are %d, wanted 1 or more, or 0 for %d", field.name, *field.value, field.without)
		}
		if *field.value == 0 {
			*field.value = field.without
		}
	}
	if o.Guidance == 0 {
		o.Guidance = cmp.Or(own.Guidance, 1.5)
	}
	if o.Guidance-o.Guidance != 0 {
		return o, fmt.Errorf("guidance is %v: %w", o.Guidance, embed.ErrNotFinite)
	}
	if err := o.checkStarts(scans); err != nil {
		return o, err
	}
	if o.Starts != nil && o.Strength == 0 {
		o.Strength = .85
	}
	return o, nil
}

// solving returns the way from noise to a picture.
func (o *Options) solving(own model.Sampling) diffusion.Solving {
	how := diffusion.Solving{
		Method: diffusion.Method(own.Method), Steps: o.Steps, Spacing: diffusion.Spacing(own.Spacing),
		Offset: own.Offset, Karras: own.Karras || o.Karras, Order: own.Order,
	}
	if o.Method != "" {
		how.Method, how.Karras = o.Method, o.Karras
	}
	return how
}

// check reports tokens that no picture can be made from.
func (r *Reconstructor) check(tokens []embed.Tokens) error {
	for i, t := range tokens {
		what := fmt.Sprintf("tokens of scan %d", i)
		if err := r.checkShape(what, t); err != nil {
			return err
		}
		if at := embed.FirstNotFinite(t.Data); at >= 0 {
			return fmt.Errorf("%s: element %d is %v: %w", what, at, t.Data[at], embed.ErrNotFinite)
		}
		if embed.Norm(t.Data) == 0 {
			return fmt.Errorf("%s: %w", what, embed.ErrZero)
		}
	}
	return nil
}

func (r *Reconstructor) checkShape(what string, t embed.Tokens) error {
	if t.T != r.tokens || t.D != r.dim || len(t.Data) != t.T*t.D {
		return fmt.Errorf("%s are %d×%d (%d elements), the denoiser wants %d×%d: %w",
			what, t.T, t.D, len(t.Data), r.tokens, r.dim, ErrMismatch)
	}
	return nil
}

// cosine returns the cosine of the angle between two lists of tokens, 0 where
// one has no direction.
func cosine(a, b []float32) float64 {
	if length := embed.Norm(a) * embed.Norm(b); length > 0 {
		return embed.Dot(a, b) / length
	}
	return 0
}
