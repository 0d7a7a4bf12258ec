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
	"engram/index/results"
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
	// OneVector is First of the first stage alone: one vector of the prediction finds the
	// scene that is nearest to it.
	OneVector eval.Share `json:"one_vector"`
}

// serving is the stage that searches as the page does.
func (d *demo) serving(from folders) stage {
	return stage{name: "served", version: 3, inputs: []any{
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
	sets := []set{d.cast.test, d.cast.zebras}
	r, err := d.readScans(from.scans, sets...)
	if err != nil {
		return nil, err
	}
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
	recorded
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
	recorded
	set
	repeats int
	step    func() // is called after each search
}

// searchSet searches for each scene of a set.
func (d *demo) searchSet(ctx context.Context, search *app.ScanSearch, a asked) (Served, error) {
	n := len(a.scenes)
	out := Served{Set: a.name, Scans: n, Repeats: a.repeats, Among: search.Count}
	first, five, oneVector := 0, 0, 0
	for i := range n {
		scans := d.repeatsOf(a.recorded, a.set, i, a.repeats)
		find := func(k, candidates int) (int, error) {
			hits, metric, err := search.Search(ctx, scans, httpapi.ScanQuery{K: k, Candidates: candidates})
			if err != nil {
				return 0, err
			}
			out.Metric = metric
			return slices.IndexFunc(hits, func(h results.Hit) bool { return h.Payload[index.KeyPath] == a.path(i) }), nil
		}
		at, err := find(5, 0)
		if err != nil {
			return out, err
		}
		alone, err := find(1, 1) // a single candidate is what the first stage finds first
		if err != nil {
			return out, err
		}
		first, five, oneVector = first+when(at == 0), five+when(at >= 0), oneVector+when(alone == 0)
		a.step()
	}
	share := func(found int) eval.Share { return eval.Wilson(float64(found)/float64(n), n) }
	out.First, out.Five, out.OneVector = share(first), share(five), share(oneVector)
	return out, nil
}

// when returns 1 where something holds, else 0.
func when(holds bool) int {
	if holds {
		return 1
	}
	return 0
}
