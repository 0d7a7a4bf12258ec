package demo

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"engram/cmd/engram/internal/app"
	"engram/data/progress"
	"engram/embed/dataset"
	"engram/embed/scan"
	"engram/recon/caption"

	"gonum.org/v1/gonum/blas/blas32"
)

// decoders are the decoders that are trained and scored, the one that is served first.
var decoders = [...]struct{ preset, label string }{
	{scan.PresetAuto, "chosen decoder"},
	{scan.PresetWhitened, "whitened ridge"},
	{scan.PresetLinear, "ridge regression"},
}

// Chosen says what the preset auto chose.
type Chosen struct {
	Preset string `json:"preset"`
	Why    string `json:"why"`
}

const chosenFile = "chosen.json"

// training is the stage of the decoders, which know the trials of training
// scenes and nothing else.
func (d *demo) training(from folders) stage {
	return stage{name: "decoders", version: 11, inputs: []any{
		d.Seed, d.Scale.Epochs, filepath.Base(from.scans), filepath.Base(from.targets), d.painters[0].Fingerprint(),
	}, build: func(ctx context.Context, dir string) error {
		data, err := d.trainingData(from)
		if err != nil {
			return err
		}
		checkpoint := filepath.Join(dir, "checkpoint")
		trials := scan.NewTrials(data.Voxels, data.Images)
		models, err := d.train(ctx, data, scan.Options{Checkpoint: checkpoint, Trials: trials})
		if err != nil {
			return err
		}
		for i, decoder := range decoders {
			if err := app.SaveDecoder(ctx, models[i], filepath.Join(dir, decoder.preset)); err != nil {
				return err
			}
		}
		served := models[0].Config // the models themselves are not needed any more
		if err := writeJSON(filepath.Join(dir, chosenFile), Chosen{Preset: served.Preset, Why: served.Chosen}); err != nil {
			return err
		}
		if err := d.trainCaptions(ctx, data, trials, filepath.Join(dir, decoders[0].preset)); err != nil {
			return err
		}
		data.Targets = blas32.General{} // whose memory the next training needs
		if err := d.trainLowLevel(ctx, data, trials, filepath.Join(dir, decoders[0].preset)); err != nil {
			return err
		}
		return os.RemoveAll(checkpoint)
	}}
}

// trainingData returns the trials of training scenes.
func (d *demo) trainingData(from folders) (scan.Data, error) {
	data := scan.Data{T: d.model.T, D: d.model.D}
	shown := d.shown()[0]
	r, err := d.readScans(from.scans, shown)
	if err != nil {
		return data, err
	}
	data.Voxels = r[shown.name]
	for i := range data.Voxels.Rows {
		data.Images = append(data.Images, i/d.Scale.Repeats)
	}
	targets, err := dataset.Targets(filepath.Join(from.targets, shown.name+".npy"), data.T, data.D)
	if err != nil {
		return data, err
	}
	data.Targets = rows(targets, 0, d.Scale.Seen)
	return data, nil
}

// train trains all decoders, a network from the options' checkpoint on where there is one.
func (d *demo) train(ctx context.Context, data scan.Data, opts scan.Options) ([]*scan.Model, error) {
	watch := func(r progress.Report) {
		if r.Stage == scan.TrainingStage {
			r.Stage = "training the decoder"
		}
		d.watch.Report(r)
	}
	var presets []string
	for _, decoder := range decoders {
		presets = append(presets, decoder.preset)
	}
	opts.Epochs, opts.Seed, opts.Session = d.Scale.Epochs, d.Seed, d.app.Session()
	opts.Target, opts.Progress = d.encoder.Space(), watch
	return scan.TrainPresets(ctx, d.encoder.Runtime(), data, opts, presets)
}

// trainCaptions trains the caption model beside the decoder that is served.
func (d *demo) trainCaptions(ctx context.Context, data scan.Data, trials *scan.Trials, decoder string) (err error) {
	text, err := d.app.OpenTextEncoder(ctx, d.model, d.watch)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, text.Close()) }()
	words, err := caption.Train(ctx, d.encoder.Runtime(), caption.Data{
		Voxels: data.Voxels, Images: data.Images, Captions: captionsOf(d.cast.train.scenes[:d.Scale.Seen]), Encoder: text, Space: d.encoder.Space(), Tokens: rowsOf(data.Targets), Width: data.Targets.Cols,
	}, scan.Options{Seed: d.Seed, Session: d.app.Session(), Trials: trials, Progress: d.watch})
	if err != nil {
		return err
	}
	return words.Save(filepath.Join(decoder, caption.Folder))
}

// rowsOf returns what copies a row of a matrix.
func rowsOf(m blas32.General) func(dst []float32, row int) error {
	return func(dst []float32, row int) error {
		copy(dst, m.Data[row*m.Stride:][:m.Cols])
		return nil
	}
}
