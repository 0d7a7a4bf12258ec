package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"engram/cmd/engram/internal/app"
	"engram/data/progress"
	"engram/data/scenes"
	"engram/embed"
	"engram/embed/eval"
	"engram/embed/pixels"
	"engram/embed/scan"
	"engram/recon"
	"engram/recon/prior"
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
	Candidates   int    // pictures made of each scan; the best is kept
	Steps        int    // of DDIM; 0: 20
}

// fewestImages are the fewest training images of a study.
const fewestImages = 50

// PictureScore is what pictures of one kind reach for one subject.
type PictureScore struct {
	Seed     uint64 `json:"seed"`
	Pictures string `json:"pictures"`
	// Named is how often the kind of thing that the judge names is in the scene.
	Named   eval.Share `json:"named"`
	PixCorr float64    `json:"pixcorr"`
	SSIM    float64    `json:"ssim"`
	// TwoWay is two-way identification by the judge's global vectors, SameBackground the
	// same among scenes with one background; 0 where no two scenes have one.
	TwoWay         float64 `json:"two_way"`
	SameBackground float64 `json:"two_way_same_background"`
}

// StudyPictures compares ways to make pictures of what simulated subjects saw, from the
// means of three scans, and what limits them: the pictures of true tokens, the nearest
// training picture, and the mean of the training pictures.
func StudyPictures(ctx context.Context, a *app.App, spec PictureSpec, watch progress.Func) (out []PictureScore, err error) {
	if spec.Images < fewestImages || spec.Test < 2 || len(spec.Seeds) == 0 {
		return nil, fmt.Errorf("wanted a seed, %d training images and 2 images to reconstruct at least, found %d, %d and %d",
			fewestImages, len(spec.Seeds), spec.Images, spec.Test)
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
	painter, err := a.OpenModel(ctx, app.ScenesAutoencoder, watch)
	if err != nil {
		return nil, err
	}
	encoder, err := a.OpenImageEncoder(ctx, m, watch)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, encoder.Close()) }()
	s := pictureStudy{
		simulation: simulation{encoder: encoder, t: m.T, d: m.D, voxels: spec.Voxels, ncsnr: ncsnr, watch: watch},
		spec:       spec, app: a, judge: judge, side: painter.ImageSize,
	}
	for _, seed := range spec.Seeds {
		rows, err := s.subject(ctx, seed)
		if err != nil {
			return nil, fmt.Errorf("seed %d: %w", seed, err)
		}
		out = append(out, rows...)
	}
	return out, nil
}

type pictureStudy struct {
	simulation
	spec  PictureSpec
	app   *app.App
	judge *judge
	side  int // of a picture in pixels
}

// subject returns the scores of one subject.
func (s *pictureStudy) subject(ctx context.Context, seed uint64) ([]PictureScore, error) {
	world := scenes.New(seed)
	var shown []scenes.Scene
	for i := range s.spec.Images + s.spec.Test {
		shown = append(shown, world.Scene(scenes.Train, uint64(i)))
	}
	tokens, err := s.tokens(ctx, shown)
	if err != nil {
		return nil, err
	}
	_, voxels, images, err := s.scans(ctx, shown, min(reference, s.spec.Images), seed)
	if err != nil {
		return nil, err
	}
	all := scan.Data{Voxels: voxels, Images: images, Targets: tokens, T: s.t, D: s.d}
	decoded, err := s.decode(ctx, all, seed)
	if err != nil {
		return nil, err
	}
	made, err := s.pictures(ctx, shown, decoded, seed)
	if err != nil {
		return nil, err
	}
	var out []PictureScore
	for _, p := range made {
		score, err := s.judge.score(ctx, shown[s.spec.Images:], p.images)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
		score.Seed, score.Pictures = seed, p.name
		out = append(out, score)
	}
	return out, nil
}

// decoded is what a decoder says of the scans of the images to reconstruct.
type decoded struct {
	seen, predicted, aligned, recalled []embed.Tokens

	nearest []int // of each scan the likeliest training image
}

// decode trains a decoder, and its alignments on the predictions of training images that it
// was fitted without.
func (s *pictureStudy) decode(ctx context.Context, all scan.Data, seed uint64) (out *decoded, err error) {
	rt, session := s.encoder.Runtime(), s.app.Session()
	model, err := scan.Train(ctx, rt, between(all, 0, s.spec.Images),
		scan.Options{Preset: scan.PresetGaussian, Seed: seed, Session: session, Progress: s.watch})
	if err != nil {
		return nil, err
	}
	left, ok := model.LeftOut()
	if !ok {
		return nil, errors.New("the training left no predictions to align by")
	}
	alignment, err := prior.Fit(ctx, left)
	if err != nil {
		return nil, err
	}
	decoder, err := model.Open(rt, session)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, decoder.Close()) }()
	tests := between(all, s.spec.Images, all.Targets.Rows)
	predicted, err := predict(ctx, decoder, tests)
	if err != nil {
		return nil, err
	}
	out = &decoded{seen: s.split(tests.Targets), predicted: s.split(predicted)}
	parts, err := decoder.Components()
	if err != nil {
		return nil, err
	}
	metric, err := decoder.Metric()
	if err != nil {
		return nil, err
	}
	of := prior.Predictions{Scores: parts.Scores(predicted), Repeats: slices.Repeat([]int{studyRepeats}, predicted.Rows)}
	for by, to := range map[prior.Likelihood]*[]embed.Tokens{nil: &out.aligned, metric: &out.recalled} {
		scores, err := alignment.Align(ctx, of, by)
		if err != nil {
			return nil, err
		}
		tokens, err := parts.Tokens(ctx, scores)
		if err != nil {
			return nil, err
		}
		*to = s.split(tokens)
	}
	sim, err := metric.Compare(ctx, rows(all.Targets, 0, s.spec.Images), predicted, studyRepeats)
	if err != nil {
		return nil, err
	}
	for j := range predicted.Rows {
		out.nearest = append(out.nearest, floats.MaxIdx(mat.Col(nil, j, sim)))
	}
	return out, nil
}

// predict returns the predictions from the mean of all scans of each image, in the images'
// order.
func predict(ctx context.Context, decoder *scan.Decoder, data scan.Data) (blas32.General, error) {
	means, seen, err := scan.Average(data.Voxels, data.Images, studyRepeats)
	if err != nil {
		return blas32.General{}, err
	}
	found, err := decoder.Decode(ctx, means)
	if err != nil {
		return blas32.General{}, err
	}
	out := blas32.General{Rows: found.Rows, Cols: found.Cols, Stride: found.Cols, Data: make([]float32, found.Rows*found.Cols)}
	for i, image := range seen {
		copy(out.Data[image*out.Stride:][:out.Cols], found.Data[i*found.Stride:])
	}
	return out, nil
}

// split returns the rows of a matrix as tokens, which they share.
func (s *pictureStudy) split(m blas32.General) []embed.Tokens {
	list := make([]embed.Tokens, m.Rows)
	for i := range list {
		list[i] = embed.Tokens{T: s.t, D: s.d, Data: m.Data[i*m.Stride:][:m.Cols]}
	}
	return list
}

// pictureKind is one kind of pictures, one picture for each image to reconstruct.
type pictureKind struct {
	name   string
	images []*pixels.Image
}

// pictures makes the pictures that are compared.
func (s *pictureStudy) pictures(ctx context.Context, shown []scenes.Scene, d *decoded, seed uint64) ([]pictureKind, error) {
	seen, found := pictureKind{name: "seen"}, pictureKind{name: "nearest training picture"}
	for i := range s.spec.Test {
		seen.images = append(seen.images, s.draw(&shown[s.spec.Images+i]))
		found.images = append(found.images, s.draw(&shown[d.nearest[i]]))
	}
	mean := s.mean(shown[:min(500, s.spec.Images)])
	out := []pictureKind{seen, found, {name: "mean training picture"}}
	for range s.spec.Test {
		out[2].images = append(out[2].images, mean)
	}
	for _, way := range []struct {
		name   string
		tokens []embed.Tokens
	}{
		{"of the true tokens", d.seen}, {"of the predicted tokens", d.predicted},
		{"with a linear alignment", d.aligned}, {"drawn to likely training images", d.recalled},
	} {
		made, err := s.app.Reconstruct(ctx, app.ReconstructSpec{
			Tokens: way.tokens, Options: recon.Options{Candidates: s.spec.Candidates, Steps: s.spec.Steps, Seed: seed},
		}, s.watch)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", way.name, err)
		}
		kind := pictureKind{name: way.name}
		for i := range made {
			kind.images = append(kind.images, made[i].Image())
		}
		out = append(out, kind)
	}
	return out, nil
}

// draw draws a scene in the size of the reconstructions.
func (s *pictureStudy) draw(scene *scenes.Scene) *pixels.Image {
	img := &pixels.Image{W: s.side, H: s.side, Pix: make([]byte, 3*s.side*s.side)}
	scene.DrawRGB(img.Pix, s.side)
	return img
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
