package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"engram/cmd/engram/internal/app"
	"engram/data/progress"
	"engram/embed/bundle"
	"engram/embed/ort"
	"engram/recon/pretrain"

	"github.com/spf13/cobra"
)

// everyModel is what --model takes beside the models' names.
const everyModel = "all"

// pretrainFlags say what is trained.
type pretrainFlags struct {
	out, model, scale, checkpoint string
	epochs, scoreEvery, threads   int
	seed                          uint64
}

func (a *console) pretrainCommand() *cobra.Command {
	var f pretrainFlags
	cmd := &cobra.Command{
		Use:   "pretrain",
		Short: "Train the demo's own models on generated scenes",
		Long: "Pretrain trains a small CLIP, an autoencoder and a denoiser on generated scenes alone, and writes each\n" +
			"as a model bundle with a card that says how it was made and what it is worth. The denoiser learns\n" +
			"from the other two, which must be in --out or be trained before it. Scale small, which the demo's\n" +
			"models have, takes hours; with --checkpoint an interrupted training goes on where it was.",
		Example: "  engram pretrain --out data/models --checkpoint ~/pretrain\n" +
			"  engram pretrain --out /tmp/models --model clip --scale tiny",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.pretrain(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.out, "out", "", "`folder` of the bundles, one folder in it for each model (required)")
	flags.StringVar(&f.model, "model", everyModel, "what to train: clip, autoencoder, denoiser or all")
	flags.StringVar(&f.scale, "scale", "small", "sizes: small, or tiny for a trial")
	flags.StringVar(&f.checkpoint, "checkpoint", "", "`folder` in which training keeps its state, and from which it goes on")
	flags.IntVar(&f.epochs, "epochs", 0, "how many epochs to train (0: the scale's own)")
	flags.IntVar(&f.scoreEvery, "score-every", 0, "epochs between two measurements of the held-out scores (0: at the end alone)")
	flags.IntVar(&f.threads, "threads", 0, "threads of the training (0: all processors)")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of everything random, the scenes included")
	_ = cmd.MarkFlagRequired("out") // the flag exists
	return cmd
}

// models returns what is to be trained, in order.
func (f pretrainFlags) models() ([]pretrain.Model, error) {
	for name, n := range map[string]int{"epochs": f.epochs, "score-every": f.scoreEvery, "threads": f.threads} {
		if n < 0 {
			return nil, fmt.Errorf("--%s is %d, wanted 0 or more", name, n)
		}
	}
	switch {
	case f.model == everyModel:
		return pretrain.Models(), nil
	case slices.Contains(pretrain.Models(), pretrain.Model(f.model)):
		return []pretrain.Model{pretrain.Model(f.model)}, nil
	}
	return nil, fmt.Errorf("--model is %q, wanted one of %v or %s", f.model, pretrain.Models(), everyModel)
}

// pretrain trains models and prints what became of them.
func (a *console) pretrain(ctx context.Context, f pretrainFlags) (err error) {
	models, err := f.models()
	if err != nil {
		return err
	}
	for _, m := range models {
		if err := app.CheckReplaceable(filepath.Join(f.out, string(m)), bundle.CLIP, bundle.VAE, bundle.Denoiser); err != nil {
			return err
		}
	}
	rt, err := a.loadRuntime(ctx)
	if err != nil {
		return err
	}
	defer closeInto(&err, rt)
	for _, m := range models {
		card, err := a.pretrainOne(ctx, rt, m, f)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "%-12s %s: %d parameters, %.1f MB, %d scenes in %s\n", m, filepath.Join(f.out, string(m)),
			card.Parameters, float64(card.Bytes)/1e6, card.Recipe.Scenes(), time.Duration(card.Seconds*1e9).Round(time.Second))
		for _, s := range card.Scores {
			fmt.Fprintf(a.stdout, "%-12s %s: %.3f\n", "", s.Name, s.Value)
		}
	}
	return nil
}

func (a *console) pretrainOne(ctx context.Context, rt *ort.Runtime, m pretrain.Model, f pretrainFlags) (*pretrain.Card, error) {
	show := a.display()
	defer show.finish()
	return pretrain.Train(ctx, rt, f.out, m, pretrain.Options{
		Scale: f.scale, Seed: f.seed, Epochs: f.epochs, Checkpoint: f.checkpoint, ScoreEvery: f.scoreEvery,
		Session: ort.SessionOptions{Device: a.device, Threads: f.threads},
		Progress: func(r progress.Report) {
			show.report(r)
			if len(r.Figures) == 0 {
				return
			}
			for _, score := range r.Figures[1:] { // behind the loss
				fmt.Fprintf(a.stdout, "%-12s epoch %d of %d, loss %.4f, %s: %.3f\n", m, r.Done, r.Total, r.Figures[0].Value, score.Name, score.Value)
			}
		},
	})
}
