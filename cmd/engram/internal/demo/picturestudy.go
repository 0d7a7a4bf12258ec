package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/data/progress"
	"engram/data/scenes"
	"engram/embed"
	"engram/embed/eval"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/pixels"
	"engram/embed/scan"
	"engram/recon"
	"engram/recon/diffusion"
	"engram/recon/lowlevel"
	"engram/recon/prior"

	"gonum.org/v1/gonum/blas/blas32"
)

// PictureSpec says what a study of reconstructions does.
type PictureSpec struct {
	Seeds []uint64 // of the worlds and their subjects
	// Images are the images that the decoder and the priors are trained on, and Test the
	// images to reconstruct. Both are training scenes of the demo of the seed, so
	// that its test scenes are not looked at.
	Images, Test int
	Voxels       int
	Judge        string // a CLIP, not the one whose tokens are decoded
	// Denoisers are models of kind denoiser that are compared; none: the demo's.
	Denoisers []string
	Method    diffusion.Method // "" for the denoiser's own
	Steps     int              // 0: 20
	// Guidance is the weight of the tokens; 0 is the denoiser's own, or 1.5.
	Guidance float64

	LowLevel string   // of lowlevel.Kinds, "" for the default: what the blurry image is of
	Priors   []string // of prior.Kinds
	Starts   []string // app.StartNoise, app.StartBlurry, app.StartRetrieved
	Best     []int    // of so many candidates the best is kept
	// Blends are weights of the blurry image in the pictures (see recon.Blend); none: 0 alone.
	Blends []float64
	// Strength is the share of the steps that is taken from a start that is not noise; 0 is
	// .85.
	Strength float64
}

// fewestImages are the fewest training images of a study.
const fewestImages = 50

// check refuses what cannot be studied.
func (spec *PictureSpec) check() error {
	if spec.Images < fewestImages || spec.Test < 2 || len(spec.Seeds) == 0 {
		return fmt.Errorf("wanted a seed, %d training images and 2 images to reconstruct at least, found %d, %d and %d",
			fewestImages, len(spec.Seeds), spec.Images, spec.Test)
	}
	starts := []string{app.StartNoise, app.StartBlurry, app.StartRetrieved}
	for _, list := range []struct {
		name         string
		found, known []string
	}{{"priors", spec.Priors, prior.Kinds()}, {"starts", spec.Starts, starts}, {"low-level models", []string{cmp.Or(spec.LowLevel, lowlevel.RidgeKind)}, lowlevel.Kinds()}} {
		if len(list.found) == 0 {
			return fmt.Errorf("wanted one or more %s of %s, found none", list.name, strings.Join(list.known, ", "))
		}
		for _, name := range list.found {
			if !slices.Contains(list.known, name) {
				return fmt.Errorf("the %s have %q, wanted some of %s", list.name, name, strings.Join(list.known, ", "))
			}
		}
	}
	for _, weight := range spec.Blends {
		if err := recon.CheckBlend(weight); err != nil {
			return err
		}
	}
	if len(spec.Best) == 0 || slices.Min(spec.Best) < 1 {
		return fmt.Errorf("the best is wanted of %v candidates, wanted numbers from 1", spec.Best)
	}
	return nil
}

// PictureScore is what pictures of one kind reach for one subject, or for all. The intervals
// are of other pictures of the same subjects.
type PictureScore struct {
	Seed     uint64 `json:"seed,omitempty"` // absent for all subjects together
	Pictures string `json:"pictures"`
	// Named is how often the kind of thing that the judge names is in the scene.
	Named   eval.Share    `json:"named"`
	PixCorr eval.Interval `json:"pixcorr"`
	SSIM    eval.Interval `json:"ssim"`
	// TwoWay is two-way identification by the judge's global vectors, SameBackground the
	// same among scenes with one background, the mean over the pictures whose background
	// another scene has; 0 where no two scenes have one.
	TwoWay         eval.Interval `json:"two_way"`
	SameBackground eval.Interval `json:"two_way_same_background"`
}

// PictureStudy is what a study found.
type PictureStudy struct {
	Pictures []PictureScore `json:"pictures"` // of each subject
	All      []PictureScore `json:"all"`      // of all subjects together
	Clouds   []Cloud        `json:"clouds"`
}

// StudyPictures compares ways to make pictures of what simulated subjects saw, from the
// means of three scans, and what limits them: the pictures of true tokens, the blurry image,
// the nearest training picture, and the mean of the training pictures.
func StudyPictures(ctx context.Context, a *app.App, spec PictureSpec, watch progress.Func) (out *PictureStudy, err error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	m, err := a.OpenModel(ctx, app.ScenesCLIP, watch)
	if err != nil {
		return nil, err
	}
	judge, err := openJudge(ctx, a, spec.Judge, m, watch)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, judge.Close()) }()
	vae, err := a.OpenModel(ctx, app.ScenesAutoencoder, watch)
	if err != nil {
		return nil, err
	}
	encoder, err := a.OpenImageEncoder(ctx, m, watch)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, encoder.Close()) }()
	autoencoder, err := recon.OpenAutoencoder(encoder.Runtime(), vae, a.Session())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, autoencoder.Close()) }()
	text, err := a.OpenTextEncoder(ctx, m, watch)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, text.Close()) }()
	s := pictureStudy{
		simulation: simulation{encoder: encoder, t: m.T, d: m.D, voxels: spec.Voxels, ncsnr: ncsnr, watch: watch},
		spec:       spec, app: a, judge: judge, vae: vae, autoencoder: autoencoder, text: text, side: vae.ImageSize,
	}
	out = &PictureStudy{}
	for _, seed := range spec.Seeds {
		if err := s.subject(ctx, seed, out); err != nil {
			return nil, fmt.Errorf("seed %d: %w", seed, err)
		}
	}
	for i := range s.all {
		out.All = append(out.All, s.all[i].score(out.Pictures[i].Pictures))
	}
	return out, nil
}

type pictureStudy struct {
	simulation
	spec        PictureSpec
	app         *app.App
	judge       *judge
	vae         *model.Model
	autoencoder *recon.Autoencoder
	text        *app.TextEncoder // of captions
	side        int              // of a picture in pixels
	all         []outcomes       // of each kind of pictures, of all subjects so far
}

// runtime and session are what models run with.
func (s *pictureStudy) runtime() *ort.Runtime       { return s.encoder.Runtime() }
func (s *pictureStudy) session() ort.SessionOptions { return s.app.Session() }

// subject adds the scores of one subject.
func (s *pictureStudy) subject(ctx context.Context, seed uint64, out *PictureStudy) (err error) {
	world := scenes.New(seed)
	var shown []scenes.Scene
	for i := range s.spec.Images + s.spec.Test {
		shown = append(shown, world.Scene(scenes.Train, uint64(i)))
	}
	tokens, err := s.tokens(ctx, shown)
	if err != nil {
		return err
	}
	_, voxels, images, err := s.scans(ctx, shown, min(reference, s.spec.Images), seed)
	if err != nil {
		return err
	}
	all := scan.Data{Voxels: voxels, Images: images, Targets: tokens, T: s.t, D: s.d}
	decoded, err := s.decode(ctx, all, shown, seed)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, decoded.Close()) }()
	for _, name := range s.spec.Priors {
		cloud, err := newCloud(decoded.seen, decoded.aligned[name])
		if err != nil {
			return err
		}
		cloud.Seed, cloud.Prior = seed, name
		out.Clouds = append(out.Clouds, cloud)
	}
	made, err := s.pictures(ctx, shown, decoded, seed)
	if err != nil {
		return err
	}
	if s.all == nil {
		s.all = make([]outcomes, len(made))
	}
	for i, p := range made {
		found, err := s.judge.compare(ctx, shown[s.spec.Images:], p.images)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		score := found.score(p.name)
		score.Seed = seed
		out.Pictures = append(out.Pictures, score)
		s.all[i].add(found)
	}
	return nil
}

// split returns the rows of a matrix as tokens, which they share.
func (s *pictureStudy) split(m blas32.General) []embed.Tokens {
	list := make([]embed.Tokens, m.Rows)
	for i := range list {
		list[i] = embed.Tokens{T: s.t, D: s.d, Data: m.Data[i*m.Stride:][:m.Cols]}
	}
	return list
}

// draw draws a scene in the size of the reconstructions.
func (s *pictureStudy) draw(scene *scenes.Scene) *pixels.Image {
	return drawScene(scene, s.side)
}

// mean returns the mean picture of scenes.
func (s *pictureStudy) mean(list []scenes.Scene) *pixels.Image {
	sums := make([]int, 3*s.side*s.side)
	for i := range list {
		for k, v := range s.draw(&list[i]).Pix {
			sums[k] += int(v)
		}
	}
	img := &pixels.Image{W: s.side, H: s.side, Pix: make([]byte, len(sums))}
	for k, v := range sums {
		img.Pix[k] = byte((v + len(list)/2) / len(list))
	}
	return img
}
