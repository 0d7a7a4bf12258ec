package demo

import (
	"context"
	"fmt"
	"slices"

	"engram/cmd/engram/internal/app"
	"engram/data/scenes"
	"engram/embed"
	"engram/embed/pixels"
	"engram/recon"
	"engram/recon/prior"
)

// pictureKind is one kind of pictures, one picture for each image to reconstruct.
type pictureKind struct {
	name   string
	images []*pixels.Image
}

// pictures makes the pictures that are compared: the bounds, and each prior from each start.
func (s *pictureStudy) pictures(ctx context.Context, shown []scenes.Scene, d *decoded, seed uint64) ([]pictureKind, error) {
	seen := pictureKind{name: "seen"}
	for i := range s.spec.Test {
		seen.images = append(seen.images, s.draw(&shown[s.spec.Images+i]))
	}
	found := pictureKind{"nearest training picture", s.drawAll(shown, d.nearest)}
	mean := s.mean(shown[:min(500, s.spec.Images)])
	out := []pictureKind{seen, found}
	if d.likeliest != nil {
		out = append(out, pictureKind{"nearest training picture, by captions too", s.drawAll(shown, d.likeliest)})
	}
	out = append(out, pictureKind{"mean training picture", slices.Repeat([]*pixels.Image{mean}, s.spec.Test)}, pictureKind{"blurry image", d.blurry})
	for _, denoiser := range s.denoisers() {
		made, err := s.reconstruct(ctx, denoiser, d.seen, recon.Options{Seed: seed, Candidates: slices.Min(s.spec.Best)})
		if err != nil {
			return nil, err
		}
		out = append(out, pictureKind{"of the true tokens" + s.by(denoiser), bestOf(made, slices.Min(s.spec.Best))})
		for _, start := range s.spec.Starts {
			for _, name := range s.spec.Priors {
				made, err := s.predicted(ctx, way{denoiser, start, name}, d, found.images, seed)
				if err != nil {
					return nil, fmt.Errorf("prior %s from %s%s: %w", name, start, s.by(denoiser), err)
				}
				for _, n := range s.spec.Best {
					best := pictureKind{fmt.Sprintf("prior %s, from %s, best of %d%s", name, start, n, s.by(denoiser)), bestOf(made, n)}
					if out, err = s.blended(out, best, d.blurry); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	return out, nil
}

// blended appends pictures, blended with the blurry images by each weight of the study.
func (s *pictureStudy) blended(out []pictureKind, made pictureKind, blurry []*pixels.Image) ([]pictureKind, error) {
	if len(s.spec.Blends) == 0 {
		return append(out, made), nil
	}
	for _, weight := range s.spec.Blends {
		kind := pictureKind{name: fmt.Sprintf("%s, blend %g", made.name, weight)}
		for i, img := range made.images {
			mixed, err := recon.Blend(img, blurry[i], weight)
			if err != nil {
				return nil, err
			}
			kind.images = append(kind.images, mixed)
		}
		out = append(out, kind)
	}
	return out, nil
}

// drawAll draws some of the scenes.
func (s *pictureStudy) drawAll(shown []scenes.Scene, which []int) (images []*pixels.Image) {
	for _, i := range which {
		images = append(images, s.draw(&shown[i]))
	}
	return images
}

// denoisers returns the models that are compared, "" for the demo's.
func (s *pictureStudy) denoisers() []string {
	if len(s.spec.Denoisers) == 0 {
		return []string{""}
	}
	return s.spec.Denoisers
}

// by names a denoiser where there are several.
func (s *pictureStudy) by(denoiser string) string {
	if len(s.spec.Denoisers) < 2 {
		return ""
	}
	return ", by " + denoiser
}

// way is one way from predicted tokens to pictures.
type way struct{ denoiser, start, prior string }

// predicted makes the pictures of predicted tokens. Each has as many candidates as the greatest
// of the numbers in Best: the smaller numbers compare the first candidates alone.
func (s *pictureStudy) predicted(ctx context.Context, w way, d *decoded, nearest []*pixels.Image, seed uint64) ([]recon.Reconstruction, error) {
	opts := recon.Options{Seed: seed, Candidates: slices.Max(s.spec.Best), Compared: d.predicted}
	switch w.start {
	case app.StartBlurry:
		opts.Starts, opts.Strength = d.blurry, s.spec.Strength
	case app.StartRetrieved:
		opts.Starts, opts.Strength = nearest, s.spec.Strength
	}
	tokens := d.aligned[w.prior]
	if w.prior == prior.Transformer {
		opts.Sampled = true
		var err error
		if tokens, err = d.sampler.Sample(ctx, d.predicted, prior.SampleOptions{Samples: opts.Candidates, Seed: seed}); err != nil {
			return nil, err
		}
	}
	return s.reconstruct(ctx, w.denoiser, tokens, opts)
}

// reconstruct makes the candidates of all scans.
func (s *pictureStudy) reconstruct(ctx context.Context, denoiser string, tokens []embed.Tokens, opts recon.Options) ([]recon.Reconstruction, error) {
	opts.Steps, opts.Method, opts.Guidance = s.spec.Steps, s.spec.Method, s.spec.Guidance
	return s.app.Reconstruct(ctx, app.ReconstructSpec{Tokens: tokens, Painter: app.Painter{Denoiser: denoiser}, Options: opts}, s.watch)
}

// bestOf returns the best of the first n candidates of each scan.
func bestOf(made []recon.Reconstruction, n int) (images []*pixels.Image) {
	for _, r := range made {
		best := slices.MaxFunc(r.Candidates[:n], func(a, b recon.Candidate) int {
			switch {
			case a.Cosine < b.Cosine:
				return -1
			case a.Cosine > b.Cosine:
				return 1
			}
			return 0
		})
		images = append(images, best.Image)
	}
	return images
}
