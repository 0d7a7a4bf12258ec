package demo

import (
	"context"
	"errors"
	"slices"

	"engram/cmd/engram/internal/app"
	"engram/data/scenes"
	"engram/embed"
	"engram/embed/pixels"
	"engram/embed/scan"
	"engram/recon/caption"
	"engram/recon/lowlevel"
	"engram/recon/prior"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// decoded is what is known of the scans of the images to reconstruct.
type decoded struct {
	seen, predicted []embed.Tokens
	aligned         map[string][]embed.Tokens // by the prior
	sampler         *prior.Sampler            // of the prior transformer, nil where it is not studied
	blurry          []*pixels.Image
	// Of each scan the likeliest training image by tokens, and by tokens and captions, which is
	// nil where the prior caption is not studied.
	nearest, likeliest []int
}

// decode trains a decoder, its priors on the predictions of training images that it was
// fitted without, and a low-level model.
func (s *pictureStudy) decode(ctx context.Context, all scan.Data, shown []scenes.Scene, seed uint64) (out *decoded, err error) {
	trained, tests := between(all, 0, s.spec.Images), between(all, s.spec.Images, all.Targets.Rows)
	opts := scan.Options{
		Preset: scan.PresetGaussian, Seed: seed, Session: s.session(),
		Trials: scan.NewTrials(trained.Voxels, trained.Images), Progress: s.watch,
	}
	model, err := scan.Train(ctx, s.runtime(), trained, opts)
	if err != nil {
		return nil, err
	}
	decoder, err := model.Open(s.runtime(), s.session())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, decoder.Close()) }()
	means, err := meansOf(tests)
	if err != nil {
		return nil, err
	}
	predicted, err := decoder.Decode(ctx, means)
	if err != nil {
		return nil, err
	}
	out = &decoded{seen: s.split(tests.Targets), predicted: s.split(predicted)}
	captions, err := s.openCaptions(ctx, trained, shown[:s.spec.Images], opts)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, captions.Close()) }()
	if out.blurry, err = s.blurry(ctx, trained, shown[:s.spec.Images], means, opts); err != nil {
		return nil, err
	}
	if err := s.align(ctx, predictions{model, decoder, captions, means, predicted}, out); err != nil {
		return nil, err
	}
	metric, err := decoder.Metric()
	if err != nil {
		return nil, err
	}
	if slices.Contains(s.spec.Priors, prior.Transformer) {
		if err := s.sample(ctx, model, trained, out); err != nil {
			return nil, err
		}
	}
	sim, err := metric.Compare(ctx, trained.Targets, predicted, studyRepeats)
	if err != nil {
		return nil, err
	}
	for j := range predicted.Rows {
		out.nearest = append(out.nearest, floats.MaxIdx(mat.Col(nil, j, sim)))
	}
	return out, nil
}

// openCaptions trains a caption model.
func (s *pictureStudy) openCaptions(ctx context.Context, trained scan.Data, shown []scenes.Scene, opts scan.Options) (*caption.Predictor, error) {
	words, err := caption.Train(ctx, s.runtime(), caption.Data{
		Voxels: trained.Voxels, Images: trained.Images, Captions: captionsOf(shown), Encoder: s.text, Space: s.encoder.Space(),
		Tokens: rowsOf(trained.Targets), Width: trained.Targets.Cols,
	}, opts)
	if err != nil {
		return nil, err
	}
	return words.Open(s.runtime(), s.session())
}

// captionsOf returns the captions that caption models are trained on: the shortest of each scene,
// which names its things and nothing else. Looks, place and weather are in image tokens, and
// in a longer caption they hide the things (see NOTES.md of package caption).
func captionsOf(list []scenes.Scene) [][]string {
	out := make([][]string, len(list))
	for i := range list {
		out[i] = []string{list[i].Brief()}
	}
	return out
}

// predictions are what models predict of scans.
type predictions struct {
	model         *scan.Model
	decoder       *scan.Decoder // of the model
	captions      *caption.Predictor
	means, tokens blas32.General // of the scans, [n, V], and predicted, [n, T·D]
}

// align fits the priors of the study and fills in what they make of predictions.
func (s *pictureStudy) align(ctx context.Context, p predictions, out *decoded) error {
	left, ok := p.model.LeftOut()
	if !ok {
		return errors.New("the training left no predictions to align by")
	}
	alignment, err := prior.Fit(ctx, left)
	if err != nil {
		return err
	}
	parts, err := p.decoder.Components()
	if err != nil {
		return err
	}
	metric, err := p.decoder.Metric()
	if err != nil {
		return err
	}
	of := prior.Predictions{Scores: parts.Scores(p.tokens), Repeats: slices.Repeat([]int{studyRepeats}, p.tokens.Rows)}
	read, err := p.captions.Read(ctx, p.means, of.Repeats)
	if err != nil {
		return err
	}
	out.aligned = map[string][]embed.Tokens{prior.None: out.predicted}
	for _, name := range []string{prior.LinearKind, prior.RecallKind, prior.CaptionKind} {
		by := app.Recalling{Alignment: alignment, Parts: parts}
		if name != prior.LinearKind {
			by.By = metric
		}
		if name == prior.CaptionKind {
			by.Captions = p.captions
			for _, r := range read {
				of.Captions = append(of.Captions, r.LogLikelihoods)
			}
		}
		tokens, err := app.RecallTokens(ctx, by, of)
		if err != nil {
			return err
		}
		out.aligned[name] = s.split(tokens)
	}
	if !slices.Contains(s.spec.Priors, prior.CaptionKind) {
		return nil
	}
	weights, err := alignment.Weights(ctx, of, metric)
	for _, w := range weights {
		out.likeliest = append(out.likeliest, left.Images[floats.MaxIdx(w)])
	}
	return err
}

// sample trains the diffusion prior and draws a sample of each prediction.
func (s *pictureStudy) sample(ctx context.Context, model *scan.Model, trained scan.Data, out *decoded) error {
	left, _ := model.LeftOut() // which align has found
	parts, err := model.Components()
	if err != nil {
		return err
	}
	pairs := prior.Pairs{T: s.t, D: s.d, Seen: blas32.General{Rows: len(left.Images), Cols: s.t * s.d, Stride: s.t * s.d}}
	for _, image := range left.Images {
		pairs.Seen.Data = append(pairs.Seen.Data, rows(trained.Targets, image, 1).Data...)
	}
	if pairs.Predicted, err = parts.Tokens(ctx, left.Predicted); err != nil {
		return err
	}
	network, err := prior.Train(ctx, s.runtime(), pairs, prior.TrainOptions{Session: s.session(), Progress: s.watch})
	if err != nil {
		return err
	}
	if out.sampler, err = network.Open(s.runtime(), s.session()); err != nil {
		return err
	}
	out.aligned[prior.Transformer], err = out.sampler.Sample(ctx, out.predicted, prior.SampleOptions{})
	return err
}

// Close frees the diffusion prior, where there is one.
func (d *decoded) Close() error {
	if d.sampler == nil {
		return nil
	}
	return d.sampler.Close()
}

// blurry trains a low-level model and returns the images that it predicts of scans.
func (s *pictureStudy) blurry(ctx context.Context, trained scan.Data, shown []scenes.Scene, means blas32.General, opts scan.Options) (_ []*pixels.Image, err error) {
	latents, err := latentsOf(ctx, s.autoencoder, len(shown), func(i int) *pixels.Image { return s.draw(&shown[i]) })
	if err != nil {
		return nil, err
	}
	low, err := s.lowLevel(ctx, lowlevel.Data{Voxels: trained.Voxels, Images: trained.Images, Latents: latents, Autoencoder: s.vae}, opts)
	if err != nil {
		return nil, err
	}
	predictor, err := low.Open(s.runtime(), s.session())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, predictor.Close()) }()
	predicted, err := predictor.Predict(ctx, means)
	if err != nil {
		return nil, err
	}
	return s.autoencoder.Decode(ctx, predicted)
}

// lowLevel trains the low-level model of the study.
func (s *pictureStudy) lowLevel(ctx context.Context, data lowlevel.Data, opts scan.Options) (*lowlevel.Model, error) {
	if s.spec.LowLevel == lowlevel.NetworkKind {
		return lowlevel.TrainNetwork(ctx, s.runtime(), data, lowlevel.NetworkOptions{Seed: opts.Seed, Session: opts.Session, Progress: opts.Progress})
	}
	return lowlevel.TrainRidge(ctx, s.runtime(), data, opts)
}

// meansOf returns the means of all scans of each image, [images, V], in the images' order.
func meansOf(data scan.Data) (blas32.General, error) {
	means, seen, err := scan.Average(data.Voxels, data.Images, studyRepeats)
	if err != nil {
		return means, err
	}
	out := blas32.General{Rows: means.Rows, Cols: means.Cols, Stride: means.Cols, Data: make([]float32, means.Rows*means.Cols)}
	for i, image := range seen {
		copy(out.Data[image*out.Stride:][:out.Cols], means.Data[i*means.Stride:])
	}
	return out, nil
}
