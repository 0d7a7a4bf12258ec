package study

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"engram/data/progress"
	"engram/embed/eval"
	"engram/embed/ort"
	"engram/embed/scan"
)

// Runner runs the cells of a design.
type Runner struct {
	Runtime *ort.Runtime
	Session ort.SessionOptions
	Data    scan.Data
	Design  Design
	Dir     string // folder in which cells are kept
	Subject string // of the cells that Run returns; "" where there is one subject
	Watch   progress.Func
}

// Run returns all cells of the design, and computes what the folder does not hold.
// A folder of another design or of other data is refused.
func (r *Runner) Run(ctx context.Context) ([]Done, error) {
	if err := r.Design.check(r.Data); err != nil {
		return nil, err
	}
	kept, err := openCells(r.Dir, r.Design, r.Data)
	if err != nil {
		return nil, err
	}
	cells := r.Design.cells()
	report := r.Watch.Stage("comparing decoders", "cells", int64(len(cells)))
	var out []Done
	for i, cell := range cells {
		done, known := kept.find(cell)
		if !known {
			if done, err = r.cell(ctx, cell); err != nil {
				return nil, fmt.Errorf("noise %v, %d images, seed %d: %w", cell.Noise, cell.Images, cell.Seed, err)
			}
			if err := kept.add(done); err != nil {
				return nil, err
			}
		}
		done.Subject = r.Subject
		out = append(out, done)
		report(int64(i+1), int64(len(cells)))
	}
	return out, nil
}

// cell trains and scores every preset.
func (r *Runner) cell(ctx context.Context, cell Cell) (Done, error) {
	start := time.Now()
	train, test := r.Design.drawn(r.Data, cell)
	models, err := scan.TrainPresets(ctx, r.Runtime, train, scan.Options{Epochs: r.Design.Epochs, Seed: cell.Seed, Session: r.Session, Unserved: true}, r.Design.Presets)
	if err != nil {
		return Done{}, err
	}
	done := Done{Cell: cell}
	for i, m := range models {
		outcomes, err := r.score(ctx, m, test)
		if err != nil {
			return Done{}, fmt.Errorf("%s: %w", r.Design.Presets[i], err)
		}
		for _, o := range outcomes {
			o.Preset = r.Design.Presets[i]
			done.Outcomes = append(done.Outcomes, o)
		}
	}
	done.Seconds = time.Since(start).Seconds()
	return done, nil
}

// score identifies the test images from single scans, and from the means of all.
func (r *Runner) score(ctx context.Context, m *scan.Model, test scan.Data) (out []Outcome, err error) {
	decoder, err := m.Open(r.Runtime, r.Session)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, decoder.Close()) }()
	counts := scan.RepeatCounts(test.Images)
	for _, repeats := range slices.Compact([]int{counts[0], counts[len(counts)-1]}) {
		c, err := scan.CompareAverages(ctx, decoder, test, scan.Averages{Repeats: repeats})
		if err != nil {
			return nil, err
		}
		square := c[0].Square()
		found, err := eval.IdentifyTrials(square, numbers(len(c[0].Seen)))
		if err != nil {
			return nil, err
		}
		ranks, err := eval.Ranks(square)
		if err != nil {
			return nil, err
		}
		out = append(out, Outcome{Decoder: m.Config.Name(), Chosen: m.Config.Chosen, Repeats: repeats, Top1: found.ImageTop1, TwoWay: found.TwoWay, Ranks: ranks})
	}
	return out, nil
}

func numbers(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
