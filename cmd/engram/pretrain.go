package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"engram/cmd/engram/internal/app"
	"engram/data/progress"
	"engram/recon/pretrain"

	"github.com/spf13/cobra"
)

// everyModel is what --model takes beside the models' names.
const everyModel = "all"

func (c *console) pretrainCommand() *cobra.Command {
	var spec app.PretrainSpec
	var model string
	cmd := &cobra.Command{
		Use:   "pretrain",
		Short: "Train the demo's own models on generated scenes",
		Long: "Pretrain trains a small CLIP, an autoencoder and a denoiser on generated scenes alone, and writes each\n" +
			"to a folder with a card that says how it was made and what it is worth. The denoiser learns\n" +
			"from the other two, which must be in --out or be trained before it. Scans trains a denoiser further: on what\n" +
			"decoders predict of simulated scans. The judge is a second CLIP, which judges what the others make\n" +
			"(engram study pictures). Scale small, which the demo's models have, takes hours; with --checkpoint an interrupted training goes on where it was.",
		Example: "  engram pretrain --out data/models --checkpoint ~/pretrain\n" +
			"  engram pretrain --out models --model clip --scale tiny",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			for name, n := range map[string]int{"epochs": spec.Epochs, "score-every": spec.ScoreEvery, "threads": spec.Session.Threads} {
				if n < 0 {
					return fmt.Errorf("--%s is %d, wanted 0 or more", name, n)
				}
			}
			if spec.Models, err = chosenModels(model); err != nil {
				return err
			}
			spec.Finished = func(m pretrain.Model, card *pretrain.Card) { c.printCard(spec.Dir(m), m, card) }
			_, err = show(cmd.Context(), c, c.withScores(c.app().Pretrain), spec)
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&spec.Out, "out", "", "`folder` of the models, one folder in it for each model (required)")
	flags.StringVar(&model, "model", everyModel, "what to train: clip, text, autoencoder, detail, denoiser, scans, judge or all")
	flags.StringVar(&spec.Scale, "scale", "small", "sizes: small, or tiny for a trial")
	flags.StringVar(&spec.Checkpoint, "checkpoint", "", "`folder` in which training keeps its state, and from which it goes on")
	flags.IntVar(&spec.Epochs, "epochs", 0, "how many epochs to train (0: the scale's own)")
	flags.IntVar(&spec.ScoreEvery, "score-every", 0, "epochs between two measurements of the held-out scores (0: at the end alone)")
	flags.IntVar(&spec.Session.Threads, "threads", 0, "threads of the training (0: all processors)")
	flags.Uint64Var(&spec.Seed, "seed", 0, "seed of everything random, the scenes included")
	_ = cmd.MarkFlagRequired("out") // the flag exists
	return cmd
}

// chosenModels returns the models that --model names, in the order of training.
func chosenModels(name string) ([]pretrain.Model, error) {
	switch {
	case name == everyModel:
		return pretrain.Models(), nil
	case slices.Contains(pretrain.Models(), pretrain.Model(name)):
		return []pretrain.Model{pretrain.Model(name)}, nil
	}
	return nil, fmt.Errorf("--model is %q, wanted one of %v or %s", name, pretrain.Models(), everyModel)
}

// printCard prints what became of a model.
func (c *console) printCard(dir string, m pretrain.Model, card *pretrain.Card) {
	fmt.Fprintf(c.stdout, "%-12s %s: %d parameters, %.1f MB, %d scenes in %s\n", m, dir,
		card.Parameters, float64(card.Bytes)/1e6, card.Recipe.Scenes(), time.Duration(card.Seconds*1e9).Round(time.Second))
	for _, s := range card.Scores {
		fmt.Fprintf(c.stdout, "%-12s %s: %.3f\n", "", s.Name, s.Value)
	}
}

// withScores prints the scores that epochs report, beside their progress.
func (c *console) withScores(do operation[app.PretrainSpec, []*pretrain.Card]) operation[app.PretrainSpec, []*pretrain.Card] {
	return func(ctx context.Context, spec app.PretrainSpec, watch progress.Func) ([]*pretrain.Card, error) {
		return do(ctx, spec, func(r progress.Report) {
			watch.Report(r)
			if len(r.Figures) == 0 {
				return
			}
			for _, score := range r.Figures[1:] { // behind the loss
				fmt.Fprintf(c.stdout, "%-12s epoch %d of %d, loss %.4f, %s: %.3f\n", r.Stage, r.Done, r.Total, r.Figures[0].Value, score.Name, score.Value)
			}
		})
	}
}
