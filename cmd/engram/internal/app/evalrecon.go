package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"engram/data/pattern"
	"engram/data/progress"
	"engram/embed/eval"
	"engram/embed/pixels"
	"engram/recon/metrics"
)

// PublishedSpec says which reconstructions are scored as the literature does.
type PublishedSpec struct {
	Folder   string   // of engram reconstruct
	Features []string // models that score pictures
	Seed     uint64   // of the bootstrap
}

// Published is the table of the literature for a folder of reconstructions.
type Published struct {
	Folder string         `json:"folder"`
	Images int            `json:"images"`
	Data   string         `json:"data,omitempty"` // metrics.NSD where the scans are
	Rows   []PublishedRow `json:"rows"`           // one for each way to a picture
}

// PublishedRow are the scores of one way to a picture. Intervals are 95 %, by bootstrap
// over the images.
type PublishedRow struct {
	Pictures string              `json:"pictures"` // folder of the way
	PixCorr  eval.Interval       `json:"pixcorr"`
	SSIM     eval.Interval       `json:"ssim"`
	Features []PublishedFeatures `json:"features,omitempty"`
}

// PublishedFeatures are what pictures are worth to one network.
type PublishedFeatures struct {
	Name     string        `json:"name"`  // of the model
	Model    string        `json:"model"` // with its version
	TwoWay   eval.Interval `json:"two_way"`
	Distance eval.Interval `json:"distance"`
}

// EvalReconstructions scores the pictures in a folder of engram reconstruct as the
// literature does: all are resized to metrics.PublishedFirst pixels a side, and for the
// pixels then to metrics.PublishedSide.
func (a *App) EvalReconstructions(ctx context.Context, spec PublishedSpec, watch progress.Func) (*Published, error) {
	out := &Published{Folder: spec.Folder}
	names, err := picturesIn(filepath.Join(spec.Folder, seenFolder))
	if err != nil {
		return nil, err
	}
	if len(names) < 2 {
		return nil, fmt.Errorf("%s: wanted two pictures of what was seen or more, found %d (engram reconstruct writes them where --stimuli or --mindeye are known)",
			filepath.Join(spec.Folder, seenFolder), len(names))
	}
	out.Images = len(names)
	if out.Data, err = dataOf(spec.Folder); err != nil {
		return nil, err
	}
	pictures := map[string][]*pixels.Image{}
	for _, w := range ways() {
		images, err := a.readWay(ctx, filepath.Join(spec.Folder, w.folder), names)
		if err != nil {
			return nil, err
		}
		if images == nil {
			continue
		}
		pictures[w.folder] = images
		if w.folder != seenFolder {
			row := PublishedRow{Pictures: w.folder}
			if err := row.scorePixels(pictures[seenFolder], images, spec.Seed); err != nil {
				return nil, err
			}
			out.Rows = append(out.Rows, row)
		}
	}
	if len(out.Rows) == 0 {
		return nil, fmt.Errorf("%s has no reconstructions, wanted a folder of engram reconstruct", spec.Folder)
	}
	for _, name := range spec.Features {
		if err := a.scorePublished(ctx, name, spec, out.Rows, pictures, watch); err != nil {
			return nil, fmt.Errorf("--features: %w", err)
		}
	}
	return out, nil
}

// picturesIn returns the names of the pictures in a folder, none where it is not there.
func picturesIn(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".png"); ok {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, pattern.Compare)
	return names, nil
}

// dataOf returns the data set that a folder of reconstructions records.
func dataOf(dir string) (string, error) {
	path := filepath.Join(dir, choicesFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	var c reconstructionChoices
	if err := json.Unmarshal(text, &c); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return c.Data, nil
}

// readWay reads the pictures of a way, nil where it has none.
func (a *App) readWay(ctx context.Context, dir string, names []string) ([]*pixels.Image, error) {
	found, err := picturesIn(dir)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	images := make([]*pixels.Image, len(names))
	for i, name := range names {
		img, err := pixels.DecodeFile(ctx, filepath.Join(dir, name+".png"), a.limits)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s lacks %s.png, wanted a picture for each one seen: the same engram reconstruct goes on there", dir, name)
		}
		if err != nil {
			return nil, err
		}
		if images[i], err = metrics.Resized(img, metrics.PublishedFirst); err != nil {
			return nil, err
		}
	}
	return images, nil
}

// scorePixels fills in the scores of pixels.
func (r *PublishedRow) scorePixels(seen, made []*pixels.Image, seed uint64) error {
	scores, err := metrics.Pixels(seen, made, metrics.PublishedSide)
	if err != nil {
		return err
	}
	var corr, ssim []float64
	for _, s := range scores {
		corr, ssim = append(corr, s.PixCorr), append(ssim, s.SSIM)
	}
	r.PixCorr, r.SSIM = eval.Bootstrap(corr, seed), eval.Bootstrap(ssim, seed)
	return nil
}

// scorePublished adds what pictures are worth to a network.
func (a *App) scorePublished(ctx context.Context, name string, spec PublishedSpec, rows []PublishedRow, pictures map[string][]*pixels.Image, watch progress.Func) (err error) {
	m, err := a.OpenModel(ctx, name, watch)
	if err != nil {
		return err
	}
	encoder, err := a.OpenImageEncoder(ctx, m, watch)
	if err != nil {
		return err
	}
	defer closeInto(&err, encoder)
	for i, row := range rows {
		found, err := metrics.Features(ctx, encoder, pictures[seenFolder], pictures[row.Pictures])
		if err != nil {
			return err
		}
		rows[i].Features = append(row.Features, PublishedFeatures{
			Name: m.Name, Model: Label(m), TwoWay: eval.Bootstrap(found.TwoWays, spec.Seed), Distance: eval.Bootstrap(found.Distances, spec.Seed),
		})
	}
	return nil
}
