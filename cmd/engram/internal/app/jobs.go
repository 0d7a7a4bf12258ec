package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"log/slog"

	"engram/cmd/engram/internal/sheet"
	"engram/data/progress"
	"engram/embed/pixels"
	"engram/embed/scan"
	"engram/httpapi"
	"engram/httpapi/jobs"
	"engram/recon"

	"gonum.org/v1/gonum/blas/blas32"
)

// openJobs opens the queue of what takes longer than a request. It is closed before the
// models that its jobs use.
func (s *Service) openJobs(ctx context.Context, a *App, spec ServeSpec, decoders *decodersInUse, opts *httpapi.Options) error {
	kinds := map[string]jobs.Kind{}
	if s.work != nil {
		s.work.kinds(kinds)
	}
	if len(decoders.all()) > 0 || s.work != nil {
		r, err := s.openReconstructing(ctx, a, spec, decoders)
		switch {
		case errors.Is(err, recon.ErrMismatch):
			s.note(slog.LevelInfo, "no reconstruction: %v", err)
		case err != nil:
			return err
		default:
			kinds[jobs.Reconstruct] = jobs.Kind{Run: r.run}
		}
	}
	queue, err := jobs.Open(spec.Jobs, kinds, jobs.Options{Fault: func(err error) { a.opts.Logger.Error(err.Error()) }})
	if err != nil {
		return err
	}
	s.opened, opts.Jobs = append(s.opened, queue), queue
	return nil
}

// scanReconstructor makes pictures of one scan at a time, as Reconstructions does of many.
type scanReconstructor struct {
	*App
	decoders *decodersInUse
	painter  *painter
}

// openReconstructing opens the models that make pictures of the decoders' tokens. It fails
// with recon.ErrMismatch where they are of other tokens.
func (s *Service) openReconstructing(ctx context.Context, a *App, spec ServeSpec, decoders *decodersInUse) (*scanReconstructor, error) {
	p, err := a.openPainter(ctx, Painter{Model: spec.Model, Autoencoder: spec.Autoencoder, Denoiser: spec.Denoiser}, nil)
	if err != nil {
		return nil, err
	}
	s.opened = append(s.opened, p)
	for subject, d := range decoders.all() {
		if !d.Space().Same(SpaceOf(p.clip)) {
			return nil, fmt.Errorf("the decoder of the subject %s predicts the space of %s, the denoiser takes that of %s: %w", subject, d.Space().Name, Label(p.clip), recon.ErrMismatch)
		}
	}
	s.list("autoencoder", &p.autoencoder.Manifest, p.autoencoder.Dir(), a.Device())
	s.list("denoiser", &p.denoiser.Manifest, p.denoiser.Dir(), a.Device())
	return &scanReconstructor{a, decoders, p}, nil
}

// Made is the result of a job of pictures. Its files are picture.png, blurry.png where there
// is a low-level model, candidate-N.png, and preview-NN.png for some of the steps.
type Made struct {
	Choices recon.Choices `json:"choices"`
	Prior   string        `json:"prior"`
	Best    int           `json:"best"` // candidate, from 0
	Cosines []float64     `json:"cosines"`
	Caption string        `json:"caption,omitempty"` // likeliest one of a training image
}

// run is the Run of jobs.Reconstruct.
func (r *scanReconstructor) run(ctx context.Context, t *jobs.Task) (any, error) {
	var ask jobs.Reconstruction
	if err := json.Unmarshal(t.Request, &ask); err != nil {
		return nil, err
	}
	subject := cmp.Or(ask.Subject, defaultSubject)
	decoder, ok := r.decoders.of(subject)
	if !ok { // the server was started with others
		return nil, fmt.Errorf("the server has no decoder of the subject %q any more", subject)
	}
	var made *Made
	err := decoder.use(func() (err error) {
		made, err = r.reconstruct(ctx, decoder.Decoder, ask, t)
		return err
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// reconstruct makes pictures of a scan by the decoder of its subject.
func (r *scanReconstructor) reconstruct(ctx context.Context, decoder *Decoder, ask jobs.Reconstruction, t *jobs.Task) (_ *Made, err error) {
	if !decoder.Space().Same(SpaceOf(r.painter.clip)) { // of a subject that a job made
		return nil, fmt.Errorf("the decoder of the subject %s predicts the space of %s, the denoiser takes that of %s: %w", ask.Subject, decoder.Space().Name, Label(r.painter.clip), recon.ErrMismatch)
	}
	mean, err := scan.MeanOfRepeats(ask.Repeats, decoder.Config().Voxels)
	if err != nil {
		return nil, err
	}
	means := blas32.General{Rows: 1, Cols: len(mean), Stride: len(mean), Data: mean}
	predicted, err := decoder.PredictTokens(ctx, Scans{Means: means, Repeats: []int{len(ask.Repeats)}}, "")
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, predicted)
	if err := r.saveBlurry(ctx, decoder, means, t); err != nil {
		return nil, err
	}
	opts := recon.Options{
		Seed: ask.Seed, Candidates: ask.Candidates, Steps: ask.Steps, Compared: predicted.Raw, Progress: t.Report, PreviewEvery: previewEvery,
		Preview: func(p recon.Preview) error {
			return savePNG(t, fmt.Sprintf("preview-%02d.png", p.Step), sheet.Strip(p.Images))
		},
	}
	out := &Made{Prior: predicted.Prior}
	if out.Choices, err = r.painter.Choices(opts); err != nil {
		return nil, err
	}
	opts.Candidates = out.Choices.Candidates
	tokens, err := predicted.Tokens(ctx, []int{0}, &opts)
	if err != nil {
		return nil, err
	}
	made, err := r.painter.Reconstruct(ctx, tokens, r.painter.encoder, opts)
	if err != nil {
		return nil, err
	}
	out.Best, out.Cosines = made[0].Best, cosinesOf(&made[0])
	if predicted.Captions != nil {
		out.Caption = predicted.Captions[0]
	}
	return out, r.save(t, &made[0])
}

// previewEvery is how many steps lie between two previews.
const previewEvery = 2

// saveBlurry saves the blurry image of a scan, where there is a low-level model.
func (r *scanReconstructor) saveBlurry(ctx context.Context, d *Decoder, means blas32.General, t *jobs.Task) error {
	t.Report(progress.Report{Stage: "low level"})
	low, err := r.predictBlurry(ctx, ReconstructionsSpec{Decoder: d.dir}, r.painter, means)
	if err != nil {
		return err
	}
	images, err := low.pictures(ctx, r.painter.Autoencoder, []int{0})
	if err != nil || images == nil {
		return err
	}
	return savePNG(t, "blurry.png", images[0])
}

// save saves the picture and its candidates.
func (r *scanReconstructor) save(t *jobs.Task, made *recon.Reconstruction) error {
	for c, candidate := range made.Candidates {
		if err := savePNG(t, fmt.Sprintf("candidate-%d.png", c), candidate.Image); err != nil {
			return err
		}
	}
	return savePNG(t, "picture.png", made.Image())
}

// savePNG keeps a picture as a file of a job.
func savePNG(t *jobs.Task, name string, img *pixels.Image) error {
	var file bytes.Buffer
	if err := png.Encode(&file, sheet.RGBA(img)); err != nil {
		return err
	}
	return t.Save(name, file.Bytes())
}
