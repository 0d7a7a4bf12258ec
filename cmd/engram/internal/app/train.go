package app

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"time"

	"engram/data/progress"
	"engram/embed/dataset"
	"engram/embed/model"
	"engram/embed/scan"
	"engram/recon/caption"
	"engram/recon/lowlevel"
	"engram/recon/prior"
)

// Training says how decoders are trained; 0 and "" stand for what the preset has
// by itself.
type Training struct {
	Preset     string
	Epochs     int     // how often every trial is seen
	Batch      int     // trials in a step
	LR         float64 // highest learning rate
	Seed       uint64  // of everything random
	Checkpoint string  // folder in which training keeps its state; "": none
}

// options returns the options of package scan.
func (t Training) options(a *App) scan.Options {
	return scan.Options{
		Preset: t.Preset, Epochs: t.Epochs, Batch: t.Batch, LR: t.LR, Seed: t.Seed, Checkpoint: t.Checkpoint, Session: a.Session(),
	}
}

// TrainSpec says what decoder to train, on what.
type TrainSpec struct {
	Data Dataset
	Training
	Out string // folder of the decoder
	// LowLevel trains a low-level model beside the decoder, of the latents of Autoencoder, a
	// model of kind vae; "" is ScenesAutoencoder.
	LowLevel    bool
	Autoencoder string
	// LowLevelKind is one of lowlevel.Kinds, "" for the first.
	LowLevelKind string
	// Captions is a table with the columns image and caption, on which a caption model is
	// trained beside the decoder; "" trains none.
	Captions string
	// DiffusionPrior trains a diffusion prior beside the decoder, too.
	DiffusionPrior bool
}

// Card says what a decoder is and where it comes from.
type Card struct {
	Out        string `json:"out"`
	Preset     string `json:"preset"`
	Chosen     string `json:"chosen,omitempty"` // what was chosen by left-out training images, and why
	Voxels     string `json:"voxels"`
	Stimuli    string `json:"stimuli"`
	Scans      string `json:"scans,omitempty"` // what was read of MindEye's data, in a line
	Trials     int    `json:"trials"`
	VoxelCount int    `json:"voxel_count"`
	Matched
	Images     int      `json:"images"`
	Model      string   `json:"model"`
	Tokens     int      `json:"tokens"`
	Dim        int      `json:"dim"`
	Parameters int      `json:"parameters"`
	Epochs     int      `json:"epochs"`
	Loss       *float32 `json:"loss"` // of the last epoch; null for a decoder that is solved, not trained
	Seconds    float64  `json:"seconds"`
	LowLevel   string   `json:"low_level,omitempty"` // folder of the low-level model
	Captions   string   `json:"captions,omitempty"`  // folder of the caption model
	Prior      string   `json:"prior,omitempty"`     // folder of the diffusion prior
	// PriorMissed is the error that the prior leaves on held-out pairs, over the prediction's.
	PriorMissed float64 `json:"prior_missed,omitempty"`
}

// Train trains a decoder and writes it to its folder. Of MindEye's data it uses
// the trials of the training images.
func (a *App) Train(ctx context.Context, spec TrainSpec, watch progress.Func) (_ *Card, err error) {
	if err := CheckReplaceable(spec.Out, model.Decoder); err != nil {
		return nil, err
	}
	if err := spec.checkLowLevel(); err != nil {
		return nil, err
	}
	spec.Data.preset = cmp.Or(spec.Preset, scan.PresetAuto)
	spec.Data.stored = spec.Preset != scan.PresetMindEye1 && spec.Checkpoint == ""
	s, err := a.openStudy(ctx, spec.Data, dataset.MindEye.Training, watch)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, s)
	captions, err := readCaptions(spec.Captions, s)
	if err != nil {
		return nil, err
	}
	// A folder that cannot be made is found now and not after the training.
	if err := os.MkdirAll(spec.Out, 0o755); err != nil {
		return nil, err
	}
	rt, err := a.Runtime(ctx, watch)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, rt)
	opts := spec.options(a)
	opts.Target, opts.Order, opts.Progress = s.target(), s.order, watch
	opts.Trials = scan.NewTrials(s.Voxels, s.Images)
	start := time.Now()
	model, err := scan.Train(ctx, rt, s.Data, opts)
	if err != nil {
		return nil, err
	}
	var low *lowlevel.Model
	if spec.LowLevel {
		if low, err = a.trainLowLevel(ctx, spec, s, opts); err != nil {
			return nil, err
		}
	}
	var words *caption.Model
	if captions != nil {
		if words, err = a.trainCaptions(ctx, captions, s, opts); err != nil {
			return nil, err
		}
	}
	opts.Trials = nil // whose memory the prior needs
	c := spec.card(s, model, time.Since(start))
	var network *prior.Network
	if spec.DiffusionPrior {
		if network, err = a.trainPrior(ctx, model, s, opts); err != nil {
			return nil, err
		}
	}
	if err := SaveDecoder(ctx, model, spec.Out); err != nil {
		return nil, err
	}
	if network != nil {
		c.Prior, c.PriorMissed = filepath.Join(spec.Out, prior.NetworkFolder), network.Missed
		if err := network.Save(c.Prior, opts.Target); err != nil {
			return nil, err
		}
	}
	if words != nil {
		c.Captions = filepath.Join(spec.Out, caption.Folder)
		if err := words.Save(c.Captions); err != nil {
			return nil, err
		}
	}
	if low == nil {
		return c, nil
	}
	c.LowLevel = filepath.Join(spec.Out, lowlevel.Folder)
	return c, low.Save(c.LowLevel)
}

// card says what a training made of what.
func (spec TrainSpec) card(s *study, model *scan.Model, took time.Duration) *Card {
	c := &Card{
		Out: spec.Out, Preset: model.Config.Name(), Chosen: model.Config.Chosen,
		Voxels: cmp.Or(spec.Data.Voxels, spec.Data.MindEye), Stimuli: spec.Data.images(),
		Trials: s.Voxels.Rows, VoxelCount: s.Voxels.Cols, Matched: s.Matched, Images: s.Targets.Rows,
		Model: s.target().Name, Tokens: s.T, Dim: s.D,
		Parameters: model.Parameters(), Epochs: len(model.Losses), Seconds: took.Seconds(),
	}
	if s.scans != nil {
		c.Scans = s.scans.String()
	}
	if c.Epochs > 0 {
		c.Loss = &model.Losses[c.Epochs-1]
	}
	return c
}
