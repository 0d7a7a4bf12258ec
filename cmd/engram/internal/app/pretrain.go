package app

import (
	"context"
	"path/filepath"

	"engram/data/progress"
	"engram/embed/model"
	"engram/recon/pretrain"
)

// PretrainSpec says which of the demo's own models to train. Of the options,
// Session's device and Progress are the App's own.
type PretrainSpec struct {
	Out    string // a folder in it for each model
	Models []pretrain.Model
	pretrain.Options
	// Finished, where it is not nil, is called after each model, which may take
	// hours.
	Finished func(pretrain.Model, *pretrain.Card)
}

// Dir returns the folder of a model.
func (s *PretrainSpec) Dir(m pretrain.Model) string { return filepath.Join(s.Out, m.Folder()) }

// Pretrain trains models on generated scenes and writes each to a folder.
func (a *App) Pretrain(ctx context.Context, spec PretrainSpec, watch progress.Func) (_ []*pretrain.Card, err error) {
	for _, m := range spec.Models {
		if err := CheckReplaceable(spec.Dir(m), model.CLIP, model.VAE, model.Denoiser); err != nil {
			return nil, err
		}
	}
	rt, err := a.Runtime(ctx, watch)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, rt)
	opts := spec.Options
	opts.Session.Device, opts.Progress = a.opts.Device, watch
	var cards []*pretrain.Card
	for _, m := range spec.Models {
		card, err := pretrain.Train(ctx, rt, spec.Out, m, opts)
		if err != nil {
			return cards, err
		}
		if spec.Finished != nil {
			spec.Finished(m, card)
		}
		cards = append(cards, card)
	}
	return cards, nil
}
