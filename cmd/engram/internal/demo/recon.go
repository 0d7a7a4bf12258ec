package demo

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/cmd/engram/internal/sheet"
	"engram/data/scenes"
	"engram/embed"
	"engram/embed/dataset"
	"engram/embed/eval"
	"engram/embed/pixels"
	"engram/httpapi"
	"engram/index"
	"engram/recon"

	"gonum.org/v1/gonum/blas/blas32"
)

const (
	picturesFile = "pictures.json"
	candidates   = 4 // of each scan
)

// Pictures says what reconstructions of a handful of scans are worth.
type Pictures struct {
	Test       int `json:"test"`       // scans of test scenes, each the mean of all repeats
	Zebras     int `json:"zebras"`     // the same of zebras
	Candidates int `json:"candidates"` // pictures made of each scan; the best is kept
	// TwoWay is how often, to the CLIP, a reconstruction is more like what was
	// seen than like another scene of the handful; chance is one half.
	TwoWay float64 `json:"two_way"`
	// Bound is the same for pictures that were made of the scenes' own tokens:
	// what a perfect decoder of scans would reach.
	Bound float64 `json:"two_way_true_tokens"`
	// FoundFirst counts the scans whose own scene the search as served, by both stages,
	// finds first in the index.
	FoundFirst int `json:"found_first"`
	// CaptionsRight counts the scans whose likeliest caption of a training scene names a kind
	// of thing that was seen.
	CaptionsRight int    `json:"captions_right"`
	Sheet         string `json:"sheet"` // path of the picture that shows all
}

// handful is a few scans and what belongs to each of them, in one order.
type handful struct {
	ids       []string
	paths     []string       // of what was seen, in the folder of scenes
	truth     []embed.Tokens // of what was seen
	predicted []embed.Tokens // from the scans
	aligned   []embed.Tokens // what the prior makes of them
	blurry    []*pixels.Image
	repeats   [][][]float32 // the scans, as searches have them
	right     int           // captions that were read and name a kind of thing that was seen
}

// picturing is the stage of the reconstructions.
func (d *demo) picturing(from folders) stage {
	return stage{name: "pictures", version: 7, inputs: []any{
		d.Scale.Pictures, filepath.Base(from.decoders), filepath.Base(from.index), d.painters[0].Fingerprint(), d.painters[1].Fingerprint(),
	}, build: func(ctx context.Context, dir string) error {
		report, err := d.picture(ctx, from, dir)
		if err != nil {
			return err
		}
		return writeJSON(filepath.Join(dir, picturesFile), report)
	}}
}

func (d *demo) picture(ctx context.Context, from folders, dir string) (*Pictures, error) {
	h, err := d.choose(ctx, from)
	if err != nil {
		return nil, err
	}
	found, err := d.firstFound(ctx, from, h.repeats)
	if err != nil {
		return nil, err
	}
	made, err := d.reconstruct(ctx, append(h.aligned, h.truth...), append(h.predicted, h.truth...))
	if err != nil {
		return nil, err
	}
	n := len(h.ids)
	report := &Pictures{
		Test: d.Scale.Pictures, Zebras: d.Scale.Pictures / 2, Candidates: candidates, CaptionsRight: h.right,
	}
	if report.TwoWay, err = d.twoWay(ctx, h.truth, made[:n]); err != nil {
		return nil, err
	}
	if report.Bound, err = d.twoWay(ctx, h.truth, made[n:]); err != nil {
		return nil, err
	}
	for i, path := range found {
		report.FoundFirst += when(path == h.paths[i])
	}
	s := sheet.Sheet{Columns: h.ids, Rows: []sheet.Row{
		{Label: "seen"}, {Label: "blurry", Images: h.blurry}, {Label: "from the scan", Images: made[:n]},
		{Label: "from its tokens", Images: made[n:]}, {Label: "found first"},
	}}
	for i := range n {
		for row, path := range map[int]string{0: h.paths[i], 4: found[i]} {
			img, err := pixels.DecodeFile(ctx, filepath.Join(from.scenes, filepath.FromSlash(path)), pixels.Limits{})
			if err != nil {
				return nil, err
			}
			s.Rows[row].Images = append(s.Rows[row].Images, img)
		}
	}
	report.Sheet = filepath.Join(dir, "reconstructions.png")
	if err := s.WriteRow(2, filepath.Join(dir, "scan")); err != nil {
		return nil, err
	}
	if err := s.WriteRow(3, filepath.Join(dir, "tokens")); err != nil {
		return nil, err
	}
	return report, sheet.WritePNG(report.Sheet, s.Draw())
}

// choose decodes the first few scans of test scenes and of zebras by the decoder that is
// served.
func (d *demo) choose(ctx context.Context, from folders) (*handful, error) {
	r, err := d.readScans(from.scans, d.cast.test, d.cast.zebras)
	if err != nil {
		return nil, err
	}
	decoder, err := d.app.OpenDecoder(ctx, filepath.Join(from.decoders, decoders[0].preset), d.watch)
	if err != nil {
		return nil, err
	}
	defer decoder.Close()
	h := &handful{}
	for _, part := range []struct {
		set
		n int
	}{{d.cast.test, d.Scale.Pictures}, {d.cast.zebras, d.Scale.Pictures / 2}} {
		n := part.n
		all, err := d.means(r, part.set, d.Scale.Repeats)
		if err != nil {
			return nil, err
		}
		scans := rows(all, 0, n)
		predicted, err := decoder.PredictTokens(ctx, app.Scans{Means: scans, Repeats: slices.Repeat([]int{d.Scale.Repeats}, n)}, "")
		if err != nil {
			return nil, err
		}
		blurry, err := d.blurry(ctx, filepath.Join(from.decoders, decoders[0].preset), scans)
		if err != nil {
			return nil, err
		}
		h.blurry = append(h.blurry, blurry...)
		truth, err := d.targets(from.targets, part.set)
		if err != nil {
			return nil, err
		}
		h.predicted, h.aligned = append(h.predicted, predicted.Raw...), append(h.aligned, predicted.Aligned...)
		h.truth = append(h.truth, d.tokens(rows(truth, 0, n))...)
		for i, caption := range predicted.Captions {
			if names(caption, &part.scenes[i]) {
				h.right++
			}
		}
		for i := range n {
			h.ids, h.paths = append(h.ids, part.trial(i)), append(h.paths, part.path(i))
			h.repeats = append(h.repeats, d.repeatsOf(r, part.set, i, d.Scale.Repeats))
		}
	}
	return h, nil
}

// names tells whether a caption names a kind of thing that is in a scene.
func names(caption string, s *scenes.Scene) bool {
	for _, k := range scenes.Kinds() {
		if s.Shows(k) && strings.Contains(caption+" ", " "+k.String()+" ") {
			return true
		}
	}
	return false
}

// targets reads the tokens of a set.
func (d *demo) targets(dir string, s set) (blas32.General, error) {
	return dataset.Targets(filepath.Join(dir, s.name+".npy"), d.model.T, d.model.D)
}

// tokens returns the rows of a matrix [n, T·D], which they share.
func (d *demo) tokens(m blas32.General) []embed.Tokens {
	list := make([]embed.Tokens, m.Rows)
	for i := range list {
		list[i] = embed.Tokens{T: d.model.T, D: d.model.D, Data: m.Data[i*m.Stride:][:m.Cols]}
	}
	return list
}

// reconstruct returns the best of the pictures that are made of each of the
// tokens: the one whose own tokens are nearest to the compared ones.
func (d *demo) reconstruct(ctx context.Context, tokens, compared []embed.Tokens) ([]*pixels.Image, error) {
	made, err := d.app.Reconstruct(ctx, app.ReconstructSpec{
		Tokens: tokens, Options: recon.Options{Candidates: candidates, Seed: d.Seed, Compared: compared},
	}, d.watch)
	if err != nil {
		return nil, err
	}
	images := make([]*pixels.Image, len(made))
	for i := range made {
		images[i] = made[i].Image()
	}
	return images, nil
}

// twoWay measures two-way identification of pictures by their global tokens.
func (d *demo) twoWay(ctx context.Context, truth []embed.Tokens, made []*pixels.Image) (float64, error) {
	found, err := d.encoder.EncodeTokens(ctx, made)
	if err != nil {
		return 0, err
	}
	similarity, err := eval.Similarity(ctx, eval.Cosine, globals(truth), globals(found))
	if err != nil {
		return 0, err
	}
	return eval.TwoWay(similarity)
}

// globals returns the global tokens, [n, D].
func globals(list []embed.Tokens) blas32.General {
	m := blas32.General{Rows: len(list), Cols: list[0].D, Stride: list[0].D}
	for _, t := range list {
		m.Data = append(m.Data, t.Global()...)
	}
	return m
}

// firstFound returns the path of the item that a search as served finds first for the
// repeats of each scan.
func (d *demo) firstFound(ctx context.Context, from folders, scans [][][]float32) (paths []string, err error) {
	search, err := d.app.OpenScanSearch(ctx, filepath.Join(from.index, "index"), filepath.Join(from.decoders, decoders[0].preset), d.watch)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, search.Close()) }()
	for _, repeats := range scans {
		hits, _, err := search.Search(ctx, repeats, httpapi.ScanQuery{K: 1})
		if err != nil {
			return nil, err
		}
		path, _ := hits[0].Payload[index.KeyPath].(string) // an index of a folder has one for every item
		paths = append(paths, path)
	}
	return paths, nil
}
