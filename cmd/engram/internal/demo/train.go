package demo

import (
	"context"
	"os"
	"path/filepath"

	"engram/embed/scan"
	"engram/embed/study"
)

// decoders are those that are trained and scored, the best first.
var decoders = [...]struct{ preset, label string }{
	{scan.PresetCompact, "compact decoder"},
	{scan.PresetLinear, "ridge regression"},
}

// training is the stage of the decoders, which know the trials of training
// scenes and nothing else.
func (d *demo) training(from folders) stage {
	return stage{name: "decoders", version: 1, inputs: []any{
		d.Seed, d.Scale.Epochs,
		filepath.Base(from.scans), filepath.Base(from.targets),
	}, make: func(ctx context.Context, dir string) error {
		data, err := d.trainingData(from)
		if err != nil {
			return err
		}
		for _, decoder := range decoders {
			if err := d.train(ctx, data, decoder.preset, dir); err != nil {
				return err
			}
		}
		return nil
	}}
}

// trainingData returns the training scenes' scans, each the mean of its repeats:
// as many trials of less noise train as well as all of them, in a fraction of the
// time.
func (d *demo) trainingData(from folders) (scan.Data, error) {
	data := scan.Data{T: d.Bundle.T, D: d.Bundle.D}
	r, err := d.readScans(from.scans)
	if err != nil {
		return data, err
	}
	train := d.shown()[0]
	data.Voxels = d.means(r, train, d.Scale.Repeats)
	for i := range train.scenes {
		data.Images = append(data.Images, i)
	}
	targets, err := study.Targets(filepath.Join(from.targets, train.name+".npy"), data.T, data.D)
	if err != nil {
		return data, err
	}
	data.Targets = rows(targets, 0, len(train.scenes))
	return data, nil
}

// train trains a decoder, unless an interrupted run did, into dir.
func (d *demo) train(ctx context.Context, data scan.Data, preset, dir string) error {
	out := filepath.Join(dir, preset)
	if _, err := scan.Load(out); err == nil {
		return nil
	}
	set, finish := d.Progress("training "+preset, "epochs")
	defer finish()
	set(0, int64(d.Scale.Epochs))
	checkpoint := filepath.Join(dir, preset+".checkpoint")
	model, err := scan.Train(ctx, d.Runtime, data, scan.Options{
		Preset: preset, Epochs: d.Scale.Epochs, Seed: d.Seed, Checkpoint: checkpoint, Session: d.Session,
		Target:   scan.Target{Bundle: d.Bundle.Fingerprint(), BundleName: d.Embedding()},
		Progress: func(p scan.Progress) { set(int64(p.Epoch), int64(p.Epochs)) },
	})
	if err != nil {
		return err
	}
	if err := model.Save(out); err != nil {
		return err
	}
	return os.RemoveAll(checkpoint)
}
