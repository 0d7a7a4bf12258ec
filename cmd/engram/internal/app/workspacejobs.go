package app

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"engram/embed/scan"
	"engram/httpapi"
	"engram/httpapi/jobs"
	"engram/index"
	"engram/index/ingest"

	"gonum.org/v1/gonum/blas/blas32"
)

// training returns the training that a client asks for.
func (w *workspace) training(ask jobs.Training) (spec TrainSpec, subject SubjectSpec, err error) {
	if err = w.checkSubject(ask.Subject); err != nil {
		return spec, subject, err
	}
	spec.Training = Training{Preset: ask.Preset, Epochs: ask.Epochs, Batch: ask.Batch, LR: ask.LR, Seed: ask.Seed}
	spec.LowLevel = ask.LowLevel
	data := &spec.Data
	data.Labels, data.Column = ask.Labels, cmp.Or(ask.Column, "image")
	subject = SubjectSpec{ID: ask.Subject, Labels: ask.Labels, Column: ask.Column}
	for _, file := range []struct {
		field, name string
		to          *string
	}{
		{"voxels", ask.Voxels, &data.Voxels}, {"mask", ask.Mask, &data.Mask}, {"stimuli", ask.Stimuli, &data.Stimuli}, {"targets", ask.Targets, &data.Targets},
		{"trials", ask.Trials, &data.Trials}, {"captions", ask.Captions, &spec.Captions}, {"regions", ask.Regions, &subject.Regions},
	} {
		if *file.to, err = w.path(file.field, file.name); err != nil {
			return spec, subject, err
		}
	}
	if data.Model, err = w.modelName(ask.Model); err != nil {
		return spec, subject, err
	}
	if data.Voxels == "" || (data.Stimuli == "") == (data.Targets == "") {
		return spec, subject, fmt.Errorf("wanted voxels and one of stimuli and targets: %w", jobs.ErrRequest)
	}
	if ask.Preset != "" && !slices.Contains(scan.Presets(), ask.Preset) {
		return spec, subject, fmt.Errorf("preset is %.40q, wanted one of %q: %w", ask.Preset, scan.Presets(), jobs.ErrRequest)
	}
	if ask.Epochs < 0 || ask.Batch < 0 || !(ask.LR >= 0) {
		return spec, subject, fmt.Errorf("epochs, batch and lr are %d, %d and %v, wanted 0 or more: %w", ask.Epochs, ask.Batch, ask.LR, jobs.ErrRequest)
	}
	subject.Mask = data.Mask
	return spec, subject, nil
}

func (w *workspace) checkTraining(request []byte) error {
	ask, err := readWork[jobs.Training](request)
	if err == nil {
		_, _, err = w.training(ask)
	}
	return err
}

// Trained is the result of a job that makes a decoder. The server has its subject from then on.
type Trained struct {
	Subject string `json:"subject"`
	Decoder string `json:"decoder"` // its folder in the workspace
	Preset  string `json:"preset"`
	Chosen  string `json:"chosen,omitempty"` // what was chosen by left-out images, and why
	Trials  int    `json:"trials"`
	Images  int    `json:"images"`
	Voxels  int    `json:"voxels"`
}

// train is the Run of jobs.Train.
func (w *workspace) train(ctx context.Context, t *jobs.Task) (any, error) {
	ask, err := readWork[jobs.Training](t.Request)
	if err != nil {
		return nil, err
	}
	spec, subject, err := w.training(ask)
	if err != nil {
		return nil, err
	}
	spec.Out = w.newDecoder(ask.Subject)
	card, err := w.app.Train(ctx, spec, t.Report)
	if err != nil {
		return nil, err
	}
	subject.Decoder = spec.Out
	made := Trained{
		Subject: ask.Subject, Decoder: w.relative(spec.Out), Preset: card.Preset, Chosen: card.Chosen, Trials: card.Trials, Images: card.Images, Voxels: card.VoxelCount,
	}
	return made, w.serve(ctx, subject)
}

// relative returns the name of a file as clients know it.
func (w *workspace) relative(path string) string {
	name, err := filepath.Rel(w.dir, path)
	if err != nil { // it is not in the workspace
		return filepath.Base(path)
	}
	return filepath.ToSlash(name)
}

func (w *workspace) checkCalibration(request []byte) error {
	ask, err := readWork[jobs.Calibration](request)
	if err == nil {
		err = w.checkSubject(ask.Subject)
	}
	if err == nil && ask.Preset != "" && !slices.Contains(scan.Presets(), ask.Preset) {
		err = fmt.Errorf("preset is %.40q, wanted one of %q: %w", ask.Preset, scan.Presets(), jobs.ErrRequest)
	}
	return err
}

// calibrate is the Run of jobs.Calibrate: it trains a decoder from scans that were sent and the
// tokens of the items that were seen.
func (w *workspace) calibrate(ctx context.Context, t *jobs.Task) (_ any, err error) {
	ask, err := readWork[jobs.Calibration](t.Request)
	if err != nil {
		return nil, err
	}
	data, err := w.scansOfItems(ctx, ask.Scans)
	if err != nil {
		return nil, err
	}
	rt, err := w.app.Runtime(ctx, t.Report)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, rt)
	opts := Training{Preset: cmp.Or(ask.Preset, scan.PresetAuto), Seed: ask.Seed}.options(w.app)
	opts.Target, opts.Progress = w.opening.index.Info.Space, t.Report
	model, err := scan.Train(ctx, rt, data, opts)
	if err != nil {
		return nil, err
	}
	out := w.newDecoder(ask.Subject)
	if err := SaveDecoder(ctx, model, out); err != nil {
		return nil, err
	}
	made := Trained{
		Subject: ask.Subject, Decoder: w.relative(out), Preset: model.Config.Name(), Chosen: model.Config.Chosen,
		Trials: data.Voxels.Rows, Images: len(ask.Scans), Voxels: data.Voxels.Cols,
	}
	return made, w.serve(ctx, SubjectSpec{ID: ask.Subject, Decoder: out})
}

// scansOfItems returns scans with the tokens of the items that were seen, or with their vectors
// where the index has no more.
func (w *workspace) scansOfItems(ctx context.Context, scans []jobs.SeenScan) (data scan.Data, err error) {
	source, t, d, err := w.opening.tokens()
	if err != nil {
		return data, err
	}
	ids := make([]index.ID, len(scans))
	var rows [][]float32
	for i, s := range scans {
		ids[i] = index.ID(s.Item)
		for _, row := range s.Repeats {
			rows, data.Images = append(rows, row), append(data.Images, i)
		}
	}
	data.T, data.D = t, d
	data.Targets = blas32.General{Rows: len(ids), Cols: t * d, Stride: t * d, Data: make([]float32, len(ids)*t*d)}
	found, err := source.Read(ctx, ids, data.Targets)
	if err != nil {
		return data, err
	}
	for i, ok := range found {
		if !ok {
			return data, fmt.Errorf("scan %d: the index has no item %d with tokens", i+1, ids[i])
		}
	}
	voxels := len(rows[0])
	data.Voxels = blas32.General{Rows: len(rows), Cols: voxels, Stride: voxels, Data: slices.Concat(rows...)}
	return data, nil
}

// building returns the build that a client asks for.
func (w *workspace) building(ask jobs.Building) (spec BuildSpec, err error) {
	if !httpapi.ValidName(ask.Collection) {
		return spec, fmt.Errorf("collection is %.100q, wanted up to 100 letters, digits, points, hyphens and underscores, the first a letter or a digit: %w", ask.Collection, jobs.ErrRequest)
	}
	if ask.Collection == w.indexName {
		return spec, fmt.Errorf("%q is the server's own index, wanted another name: %w", ask.Collection, jobs.ErrRequest)
	}
	if ask.Source == "" {
		return spec, fmt.Errorf("wanted the source, a folder in the workspace: %w", jobs.ErrRequest)
	}
	if spec.Source.Place, err = w.path("source", ask.Source); err != nil {
		return spec, err
	}
	if spec.Model, err = w.modelName(ask.Model); err != nil {
		return spec, err
	}
	spec.Out, spec.Tokens, spec.Prune = filepath.Join(w.collections.folder, ask.Collection), ask.Tokens, ask.Prune
	if ask.Model == "" && w.collections.has(ask.Collection) {
		spec.Model = "" // its own
	}
	return spec, nil
}

func (w *workspace) checkBuilding(request []byte) error {
	ask, err := readWork[jobs.Building](request)
	if err == nil {
		_, err = w.building(ask)
	}
	return err
}

// Built is the result of a job that builds a collection.
type Built struct {
	Collection string `json:"collection"`
	*ingest.Report
}

// build is the Run of jobs.Build.
func (w *workspace) build(ctx context.Context, t *jobs.Task) (any, error) {
	ask, err := readWork[jobs.Building](t.Request)
	if err != nil {
		return nil, err
	}
	spec, err := w.building(ask)
	if err != nil {
		return nil, err
	}
	if err := w.collections.begin(ask.Collection); err != nil {
		return nil, err
	}
	defer w.collections.end(ask.Collection)
	report, err := w.app.Build(ctx, spec, t.Report)
	if err != nil {
		return nil, err
	}
	for i := range report.Sources {
		report.Sources[i].Place = w.relative(report.Sources[i].Place)
	}
	// One that was opened meanwhile has not all that is new.
	return Built{ask.Collection, report}, w.collections.release(ask.Collection)
}
