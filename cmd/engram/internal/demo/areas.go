package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/data/progress"
	"engram/data/scanner"
	"engram/data/scenes"
	"engram/embed/eval"
	"engram/embed/scan"

	"gonum.org/v1/gonum/blas/blas32"
)

// AreaSpec says what a study of areas does.
type AreaSpec struct {
	Seeds []uint64 // of the worlds and their subjects
	// Images are the training images, and Test the images to identify. Both are training
	// scenes of the demo of the seed, so that its test scenes are not looked at.
	Images, Test int
	Zebras       int // zebra scenes to identify, at most 60
	Voxels       int // of the whole subject
	// Areas are the names of areas, and early, higher and all; none stands for all names.
	Areas []string
}

// AreaScore is what the voxels of some areas reach in one subject.
type AreaScore struct {
	Seed    uint64  `json:"seed"`
	Areas   string  `json:"areas"`
	Voxels  int     `json:"voxels"`
	NCSNR   float64 `json:"ncsnr"`         // median over voxels
	Ceiling float64 `json:"noise_ceiling"` // share of the variance of the mean of three that ncsnr leaves
	// Single and Mean are image top-1 of a single scan and of the mean of three, by the
	// likelihood of all tokens.
	Single eval.Share `json:"top1_single"`
	Mean   eval.Share `json:"top1_mean"`
	TwoWay float64    `json:"two_way_mean"`
	// Global is Mean of a decoder of the global vector alone, without the other tokens.
	Global eval.Share `json:"top1_mean_global"`
	Zebras eval.Share `json:"zebras_mean"` // Mean among the zebras
}

// areaGroups returns the groups of areas that are compared: each alone, the early ones
// together, the higher ones together, and all.
func areaGroups() (names []string, groups [][]scanner.Area) {
	for _, a := range scanner.Areas() {
		names, groups = append(names, a.String()), append(groups, []scanner.Area{a})
	}
	higher := slices.DeleteFunc(scanner.Areas(), scanner.Area.Early)
	early := slices.DeleteFunc(scanner.Areas(), func(a scanner.Area) bool { return !a.Early() })
	return append(names, "early", "higher", "all"), append(groups, early, higher, scanner.Areas())
}

// groups returns the groups of areas that are wanted.
func (s AreaSpec) groups() (names []string, groups [][]scanner.Area, err error) {
	known, all := areaGroups()
	if len(s.Areas) == 0 {
		return known, all, nil
	}
	for _, name := range s.Areas {
		i := slices.Index(known, name)
		if i < 0 {
			return nil, nil, fmt.Errorf("areas: wanted some of %s, found %q", strings.Join(known, ", "), name)
		}
		groups = append(groups, all[i])
	}
	return s.Areas, groups, nil
}

// StudyAreas compares how well the areas of simulated subjects let a decoder identify
// images.
func StudyAreas(ctx context.Context, a *app.App, spec AreaSpec, watch progress.Func) (out []AreaScore, err error) {
	if spec.Images < 2 || spec.Test < 2 || spec.Zebras < 2 || len(spec.Seeds) == 0 {
		return nil, fmt.Errorf("wanted a seed, and 2 training images, images to identify and zebras at least, found %d, %d, %d and %d",
			len(spec.Seeds), spec.Images, spec.Test, spec.Zebras)
	}
	if most := len(scenes.Zebras(spec.Seeds[0])); spec.Zebras > most {
		return nil, fmt.Errorf("wanted at most %d zebras to identify, found %d", most, spec.Zebras)
	}
	if err := (scanner.Options{Voxels: spec.Voxels}).Check(); err != nil {
		return nil, err
	}
	names, groups, err := spec.groups()
	if err != nil {
		return nil, err
	}
	m, err := a.OpenModel(ctx, app.ScenesCLIP, watch)
	if err != nil {
		return nil, err
	}
	encoder, err := a.OpenImageEncoder(ctx, m, watch)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, encoder.Close()) }()
	s := areaStudy{
		spec: spec, names: names, groups: groups, app: a,
		simulation: simulation{encoder: encoder, t: m.T, d: m.D, voxels: spec.Voxels, watch: watch},
	}
	for _, seed := range spec.Seeds {
		rows, err := s.subject(ctx, seed)
		if err != nil {
			return nil, fmt.Errorf("seed %d: %w", seed, err)
		}
		out = append(out, rows...)
	}
	return out, nil
}

type areaStudy struct {
	simulation
	spec   AreaSpec
	names  []string         // of the groups
	groups [][]scanner.Area // that are compared
	app    *app.App
}

// subject returns the scores of one subject.
func (s *areaStudy) subject(ctx context.Context, seed uint64) ([]AreaScore, error) {
	shown := s.shown(seed)
	tokens, err := s.tokens(ctx, shown)
	if err != nil {
		return nil, err
	}
	subject, voxels, images, err := s.scans(ctx, shown, min(reference, s.spec.Images), seed)
	if err != nil {
		return nil, err
	}
	report := s.watch.Stage("comparing areas", "groups", int64(len(s.groups)))
	var out []AreaScore
	for i, group := range s.groups {
		var columns []int
		for j, v := range subject.Voxels() {
			if slices.Contains(group, v.Area) {
				columns = append(columns, j)
			}
		}
		all := scan.Data{Voxels: pick(voxels, columns), Images: images, Targets: tokens, T: s.t, D: s.d}
		score, err := s.score(ctx, all, seed)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.names[i], err)
		}
		score.Areas = s.names[i]
		out = append(out, score)
		report(int64(i+1), int64(len(s.groups)))
	}
	return out, nil
}

// shown returns the training images, the images to identify and the zebras.
func (s *areaStudy) shown(seed uint64) []scenes.Scene {
	world := scenes.New(seed)
	var shown []scenes.Scene
	for i := range s.spec.Images + s.spec.Test {
		shown = append(shown, world.Scene(scenes.Train, uint64(i)))
	}
	return append(shown, scenes.Zebras(seed)[:s.spec.Zebras]...)
}

// pick returns some columns of a matrix.
func pick(m blas32.General, columns []int) blas32.General {
	out := blas32.General{Rows: m.Rows, Cols: len(columns), Stride: len(columns), Data: make([]float32, 0, m.Rows*len(columns))}
	for i := range m.Rows {
		for _, j := range columns {
			out.Data = append(out.Data, m.Data[i*m.Stride+j])
		}
	}
	return out
}

// globalOnly returns data whose targets are the first token alone.
func globalOnly(data scan.Data) scan.Data {
	out := data
	out.T = 1
	out.Targets.Cols = data.D
	return out
}

// score trains on the training images and identifies the others.
func (s *areaStudy) score(ctx context.Context, all scan.Data, seed uint64) (out AreaScore, err error) {
	images, test := s.spec.Images, s.spec.Images+s.spec.Test
	train := between(all, 0, images)
	ceiling, err := eval.NewCeiling(scan.Repeats(train.Voxels, train.Images))
	if err != nil {
		return out, err
	}
	out = AreaScore{Seed: seed, Voxels: all.Voxels.Cols, NCSNR: ceiling.NCSNR, Ceiling: ceiling.Mean}
	tests, zebras := between(all, images, test), between(all, test, all.Targets.Rows)
	if err := s.identify(ctx, train, seed, []identifying{
		{tests, 1, &out.Single, nil}, {tests, studyRepeats, &out.Mean, &out.TwoWay}, {zebras, studyRepeats, &out.Zebras, nil},
	}); err != nil {
		return out, err
	}
	return out, s.identify(ctx, globalOnly(train), seed, []identifying{{globalOnly(tests), studyRepeats, &out.Global, nil}})
}

// identifying is a set of scans to identify, and where the figures go.
type identifying struct {
	data    scan.Data
	repeats int
	top1    *eval.Share
	twoWay  *float64
}

// identify trains the closed form on some trials and identifies the images of others.
func (s *areaStudy) identify(ctx context.Context, train scan.Data, seed uint64, sets []identifying) (err error) {
	m, err := scan.Train(ctx, s.encoder.Runtime(), train, scan.Options{Preset: scan.PresetGaussian, Seed: seed, Session: s.app.Session()})
	if err != nil {
		return err
	}
	decoder, err := m.Open(s.encoder.Runtime(), s.app.Session())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, decoder.Close()) }()
	for _, set := range sets {
		c, err := scan.CompareAverages(ctx, decoder, set.data, scan.Averages{Repeats: set.repeats})
		if err != nil {
			return err
		}
		found, err := eval.IdentifyTrials(c[0].Similarity, c[0].Seen)
		if err != nil {
			return err
		}
		*set.top1 = eval.Wilson(found.ImageTop1, len(c[0].Seen))
		if set.twoWay != nil {
			*set.twoWay = found.TwoWay
		}
	}
	return nil
}
