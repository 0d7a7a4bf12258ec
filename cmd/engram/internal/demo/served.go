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
	Scans   int        `json:"scans"`
	Repeats int        `json:"repeats"` // of a scene that a search averages
	Among   int        `json:"among"`   // scenes in the index
	Metric  string     `json:"metric"`  // that ranks them (see scan.Metric)
	First   eval.Share `json:"first"`
	Five    eval.Share `json:"five"`
}

// serving is the stage that searches as the page does.
func (d *demo) serving(from folders) stage {
	return stage{name: "served", version: 1, inputs: []any{
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
// of its scans.
func (d *demo) searchAsServed(ctx context.Context, from folders) (_ []Served, err error) {
	r, err := d.readScans(from.scans)
	if err != nil {
		return nil, err
	}
	search, err := d.app.OpenScanSearch(ctx, filepath.Join(from.index, "index"), filepath.Join(from.decoders, decoders[0].preset), d.watch)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, search.Close()) }()
	sets := []set{d.cast.test, d.cast.zebras}
	step := d.counter("searching by scan", 2*(len(sets[0].scenes)+len(sets[1].scenes)))
	var all []Served
	for _, s := range sets {
		for _, repeats := range []int{1, d.Scale.Repeats} {
			served, err := d.searchSet(ctx, search, asked{r, s, repeats, step})
			if err != nil {
				return nil, err
			}
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
