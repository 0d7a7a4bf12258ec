package demo

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"engram/cmd/engram/internal/app"
	"engram/embed/eval"
	"engram/httpapi"
	"engram/index"
)

const servedFile = "served.json"

// Served is how often a search by scan, as the page makes it, finds the scene that
// was seen among all scenes of the index.
type Served struct {
	Set     string     `json:"set"`
	Decoder string     `json:"decoder"`
	Scans   int        `json:"scans"`
	Repeats int        `json:"repeats"` // of a scene that a search averages
	Among   int        `json:"among"`   // scenes in the index
	Metric  string     `json:"metric"`  // that ranks them (see scan.Metric)
	First   eval.Share `json:"first"`
	Five    eval.Share `json:"five"`
}

// serving is the stage that searches as the page does.
func (d *demo) serving(from folders) stage {
	return stage{name: "served", version: 2, inputs: []any{
		filepath.Base(from.index), filepath.Base(from.decoders),
	}, build: func(ctx context.Context, dir string) error {
		served, err := d.searchAsServed(ctx, from)
		if err != nil {
			return err
		}
		return writeJSON(filepath.Join(dir, servedFile), served)
	}}
}

// searchAsServed searches for test scenes and zebras, by one scan of each and by all
// of its scans, with each decoder.
func (d *demo) searchAsServed(ctx context.Context, from folders) ([]Served, error) {
	r, err := d.readScans(from.scans)
	if err != nil {
		return nil, err
	}
	sets := []set{d.cast.test, d.cast.zebras}
	step := d.counter("searching by scan", 2*len(decoders)*(len(sets[0].scenes)+len(sets[1].scenes)))
	found := make([][]Served, len(decoders))
	for i, decoder := range decoders {
		search, err := d.app.OpenScanSearch(ctx, filepath.Join(from.index, "index"), filepath.Join(from.decoders, decoder.preset), d.watch)
		if err != nil {
			return nil, err
		}
		found[i], err = d.searchSets(ctx, search, asking{r, sets, decoder.label, step})
		if err := errors.Join(err, search.Close()); err != nil {
			return nil, err
		}
	}
	var all []Served // the decoders beside each other
	for row := range found[0] {
		for _, rows := range found {
			all = append(all, rows[row])
		}
	}
	return all, nil
}

// asking are the sets of scans that one decoder searches for.
type asking struct {
	*recorded
	sets    []set
	decoder string // its label
	step    func() // is called after each search
}

// searchSets searches for the scenes of all sets, by one scan and by all scans.
func (d *demo) searchSets(ctx context.Context, search *app.ScanSearch, a asking) ([]Served, error) {
	var all []Served
	for _, s := range a.sets {
		for _, repeats := range []int{1, d.Scale.Repeats} {
			served, err := d.searchSet(ctx, search, asked{a.recorded, s, repeats, a.step})
			if err != nil {
				return nil, err
			}
			served.Decoder = a.decoder
			all = append(all, served)
		}
	}
	return all, nil
}

// asked are the scans that are searched for.
type asked struct {
	*recorded
	set
	repeats int
	step    func() // is called after each search
}

// searchSet searches for each scene of a set.
func (d *demo) searchSet(ctx context.Context, search *app.ScanSearch, a asked) (Served, error) {
	n := len(a.scenes)
	out := Served{Set: a.name, Scans: n, Repeats: a.repeats, Among: search.Count}
	first, five := 0, 0
	for i := range n {
		var scans [][]float32
		for _, trial := range a.trials[a.name][i*d.Scale.Repeats:][:a.repeats] {
			scans = append(scans, a.row(trial))
		}
		found, err := search.Search(ctx, httpapi.ScanQuery{Repeats: scans, K: 5})
		if err != nil {
			return out, err
		}
		out.Metric = found.Stages.Metric
		at := slices.IndexFunc(found.Hits, func(h index.Hit) bool { return h.Payload[index.KeyPath] == a.path(i) })
		if at == 0 {
			first++
		}
		if at >= 0 {
			five++
		}
		a.step()
	}
	out.First, out.Five = eval.Wilson(float64(first)/float64(n), n), eval.Wilson(float64(five)/float64(n), n)
	return out, nil
}
