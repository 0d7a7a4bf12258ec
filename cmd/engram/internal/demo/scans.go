package demo

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"engram/data/npy"
	"engram/data/scanner"
	"engram/data/scenes"
	"engram/embed/dataset"
	"engram/embed/scan"

	"gonum.org/v1/gonum/blas/blas32"
)

const (
	// reference is how many training scenes the subject's responses are
	// standardised over.
	reference = 400
	// ncsnr is the median of the voxels' ratio of signal to noise in a single trial: the mean
	// over NSD's eight subjects of the medians of nsdgeneral on the cortical surface, .32
	// to .54.
	ncsnr = .44
	// sight is the side in pixels of what the subject sees.
	sight = 128
)

// Trial is all that was measured of one scene.
type Trial struct {
	ID      string
	Path    string // of the picture, in the folder of images
	Seen    string // a caption of the scene
	Repeats [][]float32
}

// shown are the scenes that the subject sees, in the order of the rows of its
// responses.
func (d *demo) shown() []set {
	train := d.cast.train
	train.scenes = train.scenes[:d.Scale.Seen]
	return []set{train, d.cast.test, d.cast.zebras}
}

// stimuli are scenes as the subject sees them; step is called for each.
func stimuli(ctx context.Context, list []scenes.Scene, step func()) scanner.Stimuli {
	return scanner.Stimuli{Count: len(list), At: func(i int) (*scanner.Stimulus, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		defer step()
		return scanner.OfScene(&list[i], sight), nil
	}}
}

// newSubject makes the subject, which is the same in every run.
func (d *demo) newSubject(ctx context.Context) (*scanner.Subject, error) {
	list := d.cast.train.scenes[:min(reference, len(d.cast.train.scenes))]
	step := d.counter("making the subject", len(list))
	return scanner.New(scanner.Options{Seed: d.Seed, Voxels: d.Scale.Voxels, NCSNR: ncsnr}, stimuli(ctx, list, step))
}

// scanning is the stage of the simulated scans.
func (d *demo) scanning() stage {
	s := d.Scale
	return stage{name: "scans", version: 2, inputs: []any{
		scanner.Version, d.Seed, s.Gallery, s.Seen, s.Test, s.Zebras, s.Voxels, s.Repeats, ncsnr,
	}, build: d.scan}
}

func (d *demo) scan(ctx context.Context, dir string) error {
	subject, err := d.newSubject(ctx)
	if err != nil {
		return err
	}
	responses, err := d.respond(ctx, subject)
	if err != nil {
		return err
	}
	r, err := d.recording(responses)
	if err != nil {
		return err
	}
	if err := npy.WriteFile(filepath.Join(dir, "responses.npy"), []int{responses.Rows, responses.Cols}, responses.Data); err != nil {
		return err
	}
	return subject.WriteTable(dir, r, scanner.Float32)
}

// respond returns a subject's responses to the shown scenes.
func (d *demo) respond(ctx context.Context, subject *scanner.Subject) (blas32.General, error) {
	var all []scenes.Scene
	for _, s := range d.shown() {
		all = append(all, s.scenes...)
	}
	return subject.Responses(stimuli(ctx, all, d.counter("simulating scans", len(all))))
}

// recorded are the scans of some sets as they were written: of each set by its name,
// [scenes·repeats, voxels], scene by scene, repeats in their order.
type recorded map[string]blas32.General

// readScans reads the scans of the named sets from a folder. It leaves out the others, because the
// scans of training scenes take several hundred megabytes.
func (d *demo) readScans(dir string, sets ...set) (_ recorded, err error) {
	voxels, err := dataset.Recording{Path: filepath.Join(dir, "voxels.npy")}.Open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, voxels.Close()) }()
	var names []string
	for _, s := range d.shown() {
		for i := range s.scenes {
			names = append(names, s.path(i))
		}
	}
	matched, err := dataset.ReadSeen(filepath.Join(dir, "trials.csv"), "image", names, len(names))
	if err != nil {
		return nil, err
	}
	seen := matched.Images
	if want := d.Scale.Repeats * len(names); len(seen) != want || voxels.Trials != want {
		return nil, fmt.Errorf("%s has %d scans and %d trials, wanted %d each (delete the folder to have it made again)", dir, voxels.Trials, len(seen), want)
	}
	order := numbers(0, len(seen))
	slices.SortStableFunc(order, func(a, b int) int { return seen[a] - seen[b] })
	out := recorded{}
	for _, s := range sets {
		first := d.firstOf(s)
		if out[s.name], err = voxels.Pick(order[first*d.Scale.Repeats:][:len(s.scenes)*d.Scale.Repeats]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// readResponses reads the subject's responses to the scenes of a set, [scenes, voxels].
func (d *demo) readResponses(dir string, s set) (_ blas32.General, err error) {
	all, err := dataset.Recording{Path: filepath.Join(dir, "responses.npy")}.Open()
	if err != nil {
		return blas32.General{}, err
	}
	defer func() { err = errors.Join(err, all.Close()) }()
	return all.Pick(numbers(d.firstOf(s), len(s.scenes)))
}

// firstOf returns which of the shown scenes is the first one of a set.
func (d *demo) firstOf(s set) (first int) {
	for _, other := range d.shown() {
		if other.name == s.name {
			break
		}
		first += len(other.scenes)
	}
	return first
}

// numbers returns n numbers from first on.
func numbers(first, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = first + i
	}
	return out
}

// rows returns n rows of a matrix, which they share.
func rows(m blas32.General, first, n int) blas32.General {
	return blas32.General{Rows: n, Cols: m.Cols, Stride: m.Stride, Data: m.Data[first*m.Stride:][:n*m.Stride]}
}

// repeatsOf returns the first few scans of a scene.
func (d *demo) repeatsOf(r recorded, s set, scene, repeats int) (scans [][]float32) {
	all := r[s.name]
	for i := range repeats {
		scans = append(scans, all.Data[(scene*d.Scale.Repeats+i)*all.Stride:][:all.Cols])
	}
	return scans
}

// means returns the mean scan of each scene over the first few of its repeats.
func (d *demo) means(r recorded, s set, repeats int) (blas32.General, error) {
	m := blas32.General{Rows: len(s.scenes), Cols: r[s.name].Cols, Stride: r[s.name].Cols}
	m.Data = make([]float32, 0, m.Rows*m.Cols)
	for i := range m.Rows {
		mean, err := scan.MeanOfRepeats(d.repeatsOf(r, s, i, repeats), m.Cols)
		if err != nil {
			return m, err
		}
		m.Data = append(m.Data, mean...)
	}
	return m, nil
}

// storedTrials returns the scans of test scenes and zebras.
func (d *demo) storedTrials(r recorded) []Trial {
	var list []Trial
	for _, s := range []set{d.cast.test, d.cast.zebras} {
		for i := range s.scenes {
			list = append(list, Trial{
				ID: s.trial(i), Path: s.path(i),
				Seen: s.scenes[i].Captions()[0], Repeats: d.repeatsOf(r, s, i, d.Scale.Repeats),
			})
		}
	}
	return list
}
