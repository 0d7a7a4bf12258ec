package main

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"engram/cmd/engram/internal/app"
	"engram/index"
	"engram/index/results"

	"github.com/spf13/pflag"
)

// resultFlags are the flags that say what is wanted of the ranking of a search.
type resultFlags struct {
	minScore, foldFrom, lambda float64
	fold                       bool
	candidates, size           int
	groupBy, after             string
}

// add adds the flags.
func (f *resultFlags) add(flags *pflag.FlagSet) {
	flags.Float64Var(&f.minScore, "min-score", 0, "leave out results that score less")
	flags.BoolVar(&f.fold, "fold", false, fmt.Sprintf("fold near-duplicates, of a cosine of %v or more, into the nearest of them; there are -k results without them", results.DefaultFold))
	flags.Float64Var(&f.foldFrom, "fold-from", 0, "the `cosine` from which on --fold takes two images for near-duplicates")
	flags.Float64Var(&f.lambda, "mmr", 1, "choose results that differ among themselves, by maximal marginal relevance with this `lambda`: 1 counts the score alone, 0 the difference alone")
	flags.IntVar(&f.candidates, "mmr-candidates", 0, "among how many of the nearest --mmr chooses (default 100, or 5 times -k where this is more)")
	flags.StringVar(&f.groupBy, "group-by", "", "show the best result of each value of this payload `key`, -k values")
	flags.IntVar(&f.size, "group-size", 1, "results of each group")
	flags.StringVar(&f.after, "after", "", "the page after the one whose \"next\" in --json is this `cursor`")
}

// options returns what the flags say.
func (f *resultFlags) options(flags *pflag.FlagSet) (o results.Options, err error) {
	if flags.Changed("min-score") {
		o.MinScore = &f.minScore
	}
	switch {
	case flags.Changed("fold-from") && !(f.foldFrom > 0 && f.foldFrom <= 1): // or NaN
		return o, fmt.Errorf("--fold-from is %v, wanted a cosine above 0 and up to 1", f.foldFrom)
	case flags.Changed("fold-from"):
		o.Fold = f.foldFrom
	case f.fold:
		o.Fold = results.DefaultFold
	}
	for _, count := range []struct {
		name  string
		value int
	}{{"mmr-candidates", f.candidates}, {"group-size", f.size}} {
		if flags.Changed(count.name) && count.value < 1 {
			return o, fmt.Errorf("--%s is %d, wanted 1 or more", count.name, count.value)
		}
	}
	if flags.Changed("mmr-candidates") && !flags.Changed("mmr") {
		return o, fmt.Errorf("--mmr-candidates is for --mmr")
	}
	switch {
	case flags.Changed("mmr") && flags.Changed("group-by"):
		return o, fmt.Errorf("--mmr and --group-by are given, wanted one of them: groups show the best of each value")
	case flags.Changed("mmr") && flags.Changed("after"):
		return o, fmt.Errorf("--mmr and --after are given, wanted one of them: a diverse search has one page")
	}
	if flags.Changed("mmr") {
		o.Diverse = &results.Diverse{Lambda: f.lambda, Candidates: f.candidates}
	}
	if o.GroupBy, o.After = f.groupBy, f.after; flags.Changed("group-size") {
		o.GroupSize = f.size
	}
	for _, name := range []string{"group-by", "after"} {
		if flags.Changed(name) && flags.Lookup(name).Value.String() == "" {
			return o, fmt.Errorf("--%s is empty", name)
		}
	}
	return o, nil
}

// hit is one result as JSON. Ids are decimal strings, because many programs'
// numbers end at 2^53.
type hit struct {
	Rank    int           `json:"rank,omitempty"` // from 1; missing of the others of a group
	ID      string        `json:"id"`
	Score   float32       `json:"score"`
	Path    string        `json:"path"` // of the image, absolute where its folder is known; or its url; or ""
	Payload index.Payload `json:"payload"`
	Folded  []string      `json:"folded,omitempty"` // near-duplicates that it stands for
	Group   *group        `json:"group,omitempty"`
}

// group is what has one value under a payload key beside the hit itself, as JSON.
type group struct {
	Value  any   `json:"value"`
	Others []hit `json:"others"`
}

// viewHit is a result as JSON, without its rank.
func viewHit(found *app.Found, h results.Hit) hit {
	view := hit{ID: idText(h.ID), Score: h.Score, Path: imageOf(found, h.Payload), Payload: h.Payload}
	for _, id := range h.Folded {
		view.Folded = append(view.Folded, idText(id))
	}
	if h.Group != nil {
		view.Group = &group{Value: h.Group.Value, Others: []hit{}}
		for _, other := range h.Group.Others {
			view.Group.Others = append(view.Group.Others, viewHit(found, other))
		}
	}
	return view
}

func idText(id index.ID) string { return strconv.FormatUint(uint64(id), 10) }

// printTable prints results for a person: a line each, the others of a group below
// their first one.
func (c *console) printTable(o results.Options, found *app.Found) error {
	table := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	head := []string{"rank", scoreName(found.Stages)}
	if o.GroupBy != "" {
		head = append(head, oneLine(o.GroupBy))
	}
	if o.Fold > 0 {
		head = append(head, "folded")
	}
	fmt.Fprintln(table, strings.Join(append(head, "path", "caption"), "\t"))
	line := func(rank, value string, h results.Hit) {
		cells := []string{rank, fmt.Sprintf("%.4f", h.Score)}
		if o.GroupBy != "" {
			cells = append(cells, oneLine(value))
		}
		if o.Fold > 0 {
			cells = append(cells, strconv.Itoa(len(h.Folded)))
		}
		fmt.Fprintln(table, strings.Join(append(cells, oneLine(hitName(h.Hit)), oneLine(caption(h.Payload))), "\t"))
	}
	for i, h := range found.Hits {
		if h.Group == nil {
			line(strconv.Itoa(i+1), "", h)
			continue
		}
		line(strconv.Itoa(i+1), fmt.Sprint(h.Group.Value), h)
		for _, other := range h.Group.Others {
			line("", "", other)
		}
	}
	return table.Flush()
}
