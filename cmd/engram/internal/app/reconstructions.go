package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"engram/cmd/engram/internal/sheet"
	"engram/data/progress"
	"engram/embed"
	"engram/embed/dataset"
	"engram/embed/pixels"
	"engram/recon"

	"gonum.org/v1/gonum/blas/blas32"
)

// What ReconstructionsSpec.Start may be beside a folder.
const (
	StartNoise   = "noise"
	StartBlurry  = "blurry"  // the image that the low-level model predicts
	StartNearest = "nearest" // the nearest image of the index
	// StartRetrieved is another name of StartNearest.
	StartRetrieved = "retrieved"
)

// ReconstructionsSpec names the scans to make pictures of, and says how and where.
type ReconstructionsSpec struct {
	// Data are the scans. Stimuli, Targets and MindEye are optional: with them the
	// trials of an image are averaged, and pictures are compared with what was seen.
	// Data.Model is the CLIP, "" for ScenesCLIP.
	Data    Dataset
	Rows    []int // of Data.Voxels: the repeats of one scan; nil: every row is a scan
	Decoder string
	Out     string // folder, new or of an earlier run that was made alike
	Painter        // Model is Data.Model
	// Index has the images among which the nearest is shown, "": none is.
	Index      string
	ImagesRoot string // folder where its images are now, "": where it remembers them
	// Prior takes predicted tokens to tokens as images have them: one of prior.Kinds, ""
	// for the best one that the decoder has.
	Prior string
	// LowLevel is the folder of the low-level model, "" for the one beside the decoder.
	LowLevel string
	// Blend is the weight of the blurry image in the picture (see recon.Blend).
	Blend float64
	// Start is StartNoise, StartBlurry, StartNearest, or a folder with an image NAME.png for
	// each scan; "" is StartNoise. Options.Strength says how much of the way is gone from there.
	Start    string
	True     bool     // makes pictures of the tokens of what was seen, too
	Features []string // models that score pictures
	Side     int      // pixels per side at which pixels are scored; 0: as large as they were made
	Preview  string   // PNG file of what is being made; "": none
	recon.Options
}

// defaultStrength is the strength where images are begun from and none is named.
const defaultStrength = .85

// check refuses what can be told before anything is opened.
func (spec *ReconstructionsSpec) check() error {
	known := spec.Data.Stimuli != "" || spec.Data.MindEye != ""
	if err := CheckPrior(spec.Prior); err != nil {
		return fmt.Errorf("--prior: %w", err)
	}
	switch {
	case spec.Out == "":
		return errors.New("--out is empty, wanted a folder for the pictures")
	case spec.Start == StartNearest && spec.Index == "":
		return errors.New("--start retrieved (or nearest) needs --index: the nearest image is one of an index")
	case spec.True && !known && spec.Data.Targets == "":
		return errors.New("--true needs --stimuli, --targets or --mindeye: the tokens of what was seen")
	case len(spec.Features) > 0 && !known:
		return errors.New("--features needs --stimuli or --mindeye: pictures are compared with what was seen")
	case spec.Rows != nil && (known || spec.Data.Targets != ""):
		return errors.New("--row chooses the repeats of one scan, whose image is not known: wanted no --stimuli, --targets or --mindeye")
	case spec.ImagesRoot != "" && spec.Index == "":
		return errors.New("--images-root needs --index: it says where the images of an index are now")
	case spec.Strength != 0 && spec.Start == "":
		return errors.New("--strength needs --start: it says how much of the way is gone from an image")
	case !(spec.Strength >= 0 && spec.Strength <= 1):
		return fmt.Errorf("--strength is %v, wanted a number above 0 and up to 1", spec.Strength)
	}
	if err := recon.CheckBlend(spec.Blend); err != nil {
		return fmt.Errorf("--blend: %w", err)
	}
	return CheckFolderOf("--preview", spec.Preview)
}

// checkBlurry refuses to blend with images that there are none of.
func (spec *ReconstructionsSpec) checkBlurry(low *blurry) error {
	if spec.Blend > 0 && low == nil {
		return fmt.Errorf("--blend %g needs a low-level model, and there is none beside the decoder %s: engram train --low-level makes one, --low-level names one", spec.Blend, spec.Decoder)
	}
	return nil
}

// checkStarts refuses a folder that lacks the image that a scan begins from, before any other
// scan's pictures are made.
func (spec *ReconstructionsSpec) checkStarts(scans []string) error {
	switch spec.Start {
	case "", StartBlurry, StartNearest:
		return nil
	}
	for _, scan := range scans {
		if _, err := os.Stat(spec.startOf(scan)); err != nil {
			return fmt.Errorf("--start: wanted an image for each scan: %w", err)
		}
	}
	return nil
}

// startOf returns the path of the image that a scan begins from.
func (spec *ReconstructionsSpec) startOf(scan string) string {
	return filepath.Join(spec.Start, scan+".png")
}

// Reconstructions makes pictures of scans into a folder. What is finished stays
// there whatever happens, and the same call goes on with what is missing.
func (a *App) Reconstructions(ctx context.Context, spec ReconstructionsSpec, watch progress.Func) (_ *Reconstructed, err error) {
	switch spec.Start {
	case StartNoise:
		spec.Start = ""
	case StartRetrieved:
		spec.Start = StartNearest
	}
	if err := spec.check(); err != nil {
		return nil, err
	}
	if spec.Start != "" {
		spec.Strength = cmp.Or(spec.Strength, defaultStrength)
	}
	spec.Data.Model = cmp.Or(spec.Data.Model, ScenesCLIP)
	spec.Model = spec.Data.Model
	p, err := a.openPainter(ctx, spec.Painter, watch)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, p)
	set, err := a.readScanSet(ctx, spec, p, watch)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, set)
	if err := spec.checkBlurry(set.blurry); err != nil {
		return nil, err
	}
	if err := a.checkScoring(ctx, &spec, set, watch); err != nil {
		return nil, err
	}
	choices, err := p.Choices(spec.Options)
	if err != nil {
		return nil, err
	}
	if err := spec.checkStarts(set.names); err != nil {
		return nil, err
	}
	folder, err := openReconstructions(spec, set, choices, p)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, folder)
	set.tell(a.opts.Logger)
	job := &reconstructing{App: a, spec: spec, painter: p, set: set, folder: folder, choices: choices, watch: watch}
	if err := job.run(ctx); err != nil {
		return nil, &UnfinishedError{err, spec.Out}
	}
	return job.report(ctx)
}

// reconstructing is the making of pictures of a set of scans.
type reconstructing struct {
	*App
	spec    ReconstructionsSpec
	painter *painter
	set     *scanSet
	folder  *reconstructions
	choices recon.Choices
	watch   progress.Func
	made    int // scans in this run
}

// run makes the pictures that are missing, as many scans at once as fill a batch.
func (j *reconstructing) run(ctx context.Context) error {
	missing, err := j.folder.missing(j.set.names, func(path string) {
		j.opts.Logger.Warn(fmt.Sprintf("%s is cut off, its scan's pictures are made anew", path))
	})
	if err != nil {
		return err
	}
	const fullBatch = 16
	at := max(1, cmp.Or(j.spec.Batch, fullBatch)/j.choices.Candidates)
	groups := slices.Collect(slices.Chunk(missing, at))
	calls := int64(len(groups))
	if j.spec.True {
		calls *= 2
	}
	var call int64
	inAll := func(r progress.Report) {
		if r.Stage == recon.ReconstructingStage {
			r.Done, r.Total = call*r.Total+r.Done, calls*r.Total
		}
		j.watch.Report(r)
	}
	for _, group := range groups {
		list, err := j.draw(ctx, group, j.options(group, inAll), &call)
		if err != nil {
			return err
		}
		for _, r := range list {
			if err := j.write(ctx, r); err != nil {
				return err
			}
			j.made++
		}
	}
	return nil
}

// draw makes the pictures of a group. It counts its calls of the models in call.
func (j *reconstructing) draw(ctx context.Context, group []int, opts recon.Options, call *int64) ([]finished, error) {
	found, err := j.nearest(ctx, group)
	if err != nil {
		return nil, err
	}
	blurred, err := j.set.blurry.pictures(ctx, j.painter.Autoencoder, group)
	if err != nil {
		return nil, err
	}
	if opts.Starts, err = j.starts(ctx, group, found, blurred); err != nil {
		return nil, err
	}
	opts.Compared, opts.Candidates = pickTokens(j.set.Raw, group), j.choices.Candidates
	tokens, err := j.set.Tokens(ctx, group, &opts)
	if err != nil {
		return nil, err
	}
	made, err := j.painter.Reconstruct(ctx, tokens, j.painter.encoder, opts)
	if err != nil {
		return nil, err
	}
	*call++
	list := make([]finished, len(group))
	for k, i := range group {
		list[k] = finished{scan: i, made: &made[k], picture: made[k].Image(), start: elementOf(opts.Starts, k), nearest: elementOf(found, k), blurry: elementOf(blurred, k)}
		if j.spec.Blend == 0 {
			continue
		}
		if list[k].picture, err = recon.Blend(list[k].picture, blurred[k], j.spec.Blend); err != nil {
			return nil, err
		}
	}
	if !j.spec.True {
		return list, nil
	}
	opts.Starts, opts.Strength, opts.Compared, opts.Sampled = nil, 0, nil, false
	bound, err := j.painter.Reconstruct(ctx, pickTokens(j.set.truth, group), j.painter.encoder, opts)
	if err != nil {
		return nil, err
	}
	*call++
	for k := range list {
		list[k].bound = &bound[k]
	}
	return list, nil
}

// elementOf returns element i, or the zero value of a list that is not there.
func elementOf[T any](list []T, i int) (none T) {
	if list == nil {
		return none
	}
	return list[i]
}

// options returns how the pictures of a group are drawn.
func (j *reconstructing) options(group []int, watch progress.Func) recon.Options {
	opts := j.spec.Options
	opts.Progress = watch
	if j.spec.Preview == "" {
		return opts
	}
	opts.Preview = func(p recon.Preview) error {
		s := sheet.Sheet{Rows: []sheet.Row{{Label: fmt.Sprintf("step %d of %d", p.Step, p.Steps), Images: p.Images}}}
		for c := range p.Images {
			s.Columns = append(s.Columns, j.set.names[group[(p.First+c)/j.choices.Candidates]])
		}
		if err := sheet.WritePNG(j.spec.Preview, s.Draw()); err != nil {
			return fmt.Errorf("--preview: %w", err)
		}
		return nil
	}
	return opts
}

// starts returns the image that each scan of a group begins from, nil for noise.
func (j *reconstructing) starts(ctx context.Context, group []int, found []*retrieved, blurred []*pixels.Image) ([]*pixels.Image, error) {
	switch j.spec.Start {
	case "":
		return nil, nil
	case StartBlurry:
		return blurred, nil
	}
	images := make([]*pixels.Image, len(group))
	for k, i := range group {
		if j.spec.Start == StartNearest {
			images[k] = found[k].image
			continue
		}
		path := j.spec.startOf(j.set.names[i])
		img, err := pixels.DecodeFile(ctx, path, j.limits)
		if err != nil {
			return nil, fmt.Errorf("--start: %w", err)
		}
		images[k] = img
	}
	return images, nil
}

// pickTokens returns some of the tokens, nil of none.
func pickTokens(all []embed.Tokens, which []int) (some []embed.Tokens) {
	if all == nil {
		return nil
	}
	for _, i := range which {
		some = append(some, all[i])
	}
	return some
}

// tokensOf returns the rows of a matrix [n, T·D], which they share.
func tokensOf(m blas32.General, t, d int) []embed.Tokens {
	list := make([]embed.Tokens, m.Rows)
	for i := range list {
		list[i] = embed.Tokens{T: t, D: d, Data: m.Data[i*m.Stride:][:m.Cols]}
	}
	return list
}

// testScans reads the scans of MindEye that a decoder was not trained on.
func testScans(m dataset.MindEye) (*dataset.Scans, error) { return m.Test() }
