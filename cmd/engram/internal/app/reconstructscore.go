package app

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"engram/cmd/engram/internal/sheet"
	"engram/data/progress"
	"engram/embed/model"
	"engram/embed/pixels"
	"engram/recon/metrics"

	"gonum.org/v1/gonum/stat"
)

// Reconstructed is what was made of scans.
type Reconstructed struct {
	Out    string   `json:"out"`
	Scans  int      `json:"scans"`
	Made   int      `json:"made"` // in this run; the others were there
	Sheets []string `json:"sheets"`
	// Scores compare pictures with what was seen, missing where that is not known.
	Scores []PictureScores `json:"scores,omitempty"`
}

// PictureScores are what one way to a picture is worth.
type PictureScores struct {
	Pictures string          `json:"pictures"` // folder of the way
	Count    int             `json:"count"`
	PixCorr  Mean            `json:"pixcorr"`
	SSIM     Mean            `json:"ssim"`
	Features []FeatureScores `json:"features,omitempty"`
}

// Mean is a mean with its 95 % interval, normal.
type Mean struct {
	Mean float64 `json:"mean"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// meanOf returns the mean of values.
func meanOf(values []float64) Mean {
	mean, sd := stat.MeanStdDev(values, nil)
	half := 0.
	if len(values) > 1 {
		half = 1.96 * sd / math.Sqrt(float64(len(values)))
	}
	return Mean{mean, mean - half, mean + half}
}

// FeatureScores are what pictures are worth to one network.
type FeatureScores struct {
	Model    string  `json:"model"`
	TwoWay   float64 `json:"two_way"`
	Distance float64 `json:"distance"` // mean of 1 − Pearson's r
}

// way is a folder of pictures and its name on a sheet.
type way struct{ folder, label string }

// ways returns the ways to a picture, from what was seen on.
func ways() []way {
	return []way{{seenFolder, "seen"}, {startFolder, "begun from"}, {blurryFolder, "blurry"}, {madeFolder, "from the scan"}, {nearestFolder, "found first"}, {boundFolder, "from its tokens"}}
}

// checkScoring refuses, before the first picture is made, what its pictures could not be
// scored by in the end.
func (a *App) checkScoring(ctx context.Context, spec *ReconstructionsSpec, set *scanSet, watch progress.Func) error {
	if spec.Side != 0 && spec.Side < metrics.LeastSide {
		return fmt.Errorf("--score-side is %d pixels, wanted %d or more: the window of SSIM is as large", spec.Side, metrics.LeastSide)
	}
	if len(spec.Features) > 0 && len(set.names) < 2 {
		return fmt.Errorf("--features compares the pictures of several scans, wanted 2 or more, found %d", len(set.names))
	}
	for _, name := range spec.Features {
		m, err := a.OpenModel(ctx, name, watch)
		if err != nil {
			return fmt.Errorf("--features: %w", err)
		}
		if m.Kind != model.CLIP && m.Kind != model.Features {
			return fmt.Errorf("--features: %s is a model of kind %s, wanted features or clip", Label(m), m.Kind)
		}
	}
	return nil
}

// report draws the sheets and scores the pictures, by what is in the folder.
func (j *reconstructing) report(ctx context.Context) (*Reconstructed, error) {
	out := &Reconstructed{Out: j.folder.dir, Scans: len(j.set.names), Made: j.made}
	pictures := map[string][]*pixels.Image{}
	for _, w := range ways() {
		images, err := j.read(ctx, w.folder)
		if err != nil {
			return nil, err
		}
		if images != nil {
			pictures[w.folder] = images
		}
	}
	for first := 0; first < len(j.set.names); first += sheetColumns {
		end := min(first+sheetColumns, len(j.set.names))
		s := sheet.Sheet{Columns: j.set.names[first:end]}
		for _, w := range ways() {
			if images := pictures[w.folder]; images != nil {
				s.Rows = append(s.Rows, sheet.Row{Label: w.label, Images: images[first:end]})
			}
		}
		path := filepath.Join(j.folder.dir, fmt.Sprintf(sheetFile, first/sheetColumns+1))
		if err := sheet.WritePNG(path, s.Draw()); err != nil {
			return nil, err
		}
		out.Sheets = append(out.Sheets, path)
	}
	if pictures[seenFolder] == nil {
		return out, nil
	}
	if err := j.score(ctx, out, pictures); err != nil {
		return nil, err
	}
	return out, writeJSONFile(filepath.Join(j.folder.dir, scoresFile), out.Scores)
}

// read reads the pictures of a way, nil where it was not gone.
func (j *reconstructing) read(ctx context.Context, folder string) ([]*pixels.Image, error) {
	if !slices.Contains(j.folder.folders, folder) {
		return nil, nil
	}
	images := make([]*pixels.Image, len(j.set.names))
	for i, name := range j.set.names {
		img, err := pixels.DecodeFile(ctx, j.folder.picture(folder, name), j.limits)
		if err != nil {
			return nil, err
		}
		images[i] = img
	}
	return images, nil
}

// score compares every way to a picture with what was seen.
func (j *reconstructing) score(ctx context.Context, out *Reconstructed, pictures map[string][]*pixels.Image) error {
	side := j.spec.Side
	if side == 0 {
		side = j.painter.autoencoder.ImageSize
	}
	seen := pictures[seenFolder]
	for _, w := range ways()[1:] {
		made := pictures[w.folder]
		if made == nil {
			continue
		}
		scores, err := metrics.Pixels(seen, made, side)
		if err != nil {
			return err
		}
		var corr, ssim []float64
		for _, s := range scores {
			corr, ssim = append(corr, s.PixCorr), append(ssim, s.SSIM)
		}
		out.Scores = append(out.Scores, PictureScores{Pictures: w.folder, Count: len(made), PixCorr: meanOf(corr), SSIM: meanOf(ssim)})
	}
	for _, name := range j.spec.Features {
		if err := j.scoreBy(ctx, name, out.Scores, pictures); err != nil {
			return fmt.Errorf("--features: %w", err)
		}
	}
	return nil
}

// scoreBy adds what pictures are worth to a network.
func (j *reconstructing) scoreBy(ctx context.Context, name string, scores []PictureScores, pictures map[string][]*pixels.Image) (err error) {
	m, err := j.OpenModel(ctx, name, j.watch)
	if err != nil {
		return err
	}
	encoder, err := j.OpenImageEncoder(ctx, m, j.watch)
	if err != nil {
		return err
	}
	defer closeInto(&err, encoder)
	for i, s := range scores {
		found, err := metrics.Features(ctx, encoder, pictures[seenFolder], pictures[s.Pictures])
		if err != nil {
			return err
		}
		scores[i].Features = append(s.Features, FeatureScores{Model: Label(m), TwoWay: found.TwoWay, Distance: found.Distance})
	}
	return nil
}
