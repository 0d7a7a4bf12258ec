package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/embed"
	"engram/index"

	"github.com/spf13/pflag"
)

// queryFlags are the parts of a query in the order of the command line. --weight
// and --row say more about the part before them.
type queryFlags struct {
	flags *pflag.FlagSet
	parts []app.Part
	last  int // the part that --weight is about, -1 where there is none yet
	words int // the part of the words that are no flag, -1 where there are none yet
	seen  int // of these words
	rows  []int

	weighted map[int]bool // parts that have a weight of their own
	minus    map[int]bool // parts that the query asks for less of
}

// add adds the flags.
func (q *queryFlags) add(flags *pflag.FlagSet) {
	*q = queryFlags{flags: flags, last: -1, words: -1, weighted: map[int]bool{}, minus: map[int]bool{}}
	for _, f := range []struct {
		kind              app.PartKind
		value, more, less string
	}{
		{app.PartText, "words", "search with these `words`, as an argument does", "these `words`"},
		{app.PartImage, "file", "search with this image `file`", "this image `file`"},
		{app.PartVector, "file", "search with a vector of this .npy `file`, [D] or [n, D]", "the vector of this `file`"},
		{app.PartScan, "file", "search with a scan of this `file`: .npy [voxels] or [n, voxels], or NIfTI with --mask", "the scan of this `file`"},
		{app.PartItem, "id", "search with the item of this `id`, which is left out of the results", "the item of this `id`"},
	} {
		flags.Var(partValue{q, f.kind, f.value, false}, string(f.kind), f.more)
		flags.Var(partValue{q, f.kind, f.value, true}, "minus-"+string(f.kind), "ask for less of "+f.less)
	}
	flags.Var(weightValue{q}, "weight", "how much the part before it counts in a query of several: any `number` above 0 (default 1)")
	flags.Var(rowsValue{q}, "row", "`rows` of the file of the scan or vector before it, from 0; a scan's are averaged")
}

// query returns the parts. args are the arguments that are no flag.
func (q *queryFlags) query(args []string) ([]app.Part, error) {
	q.note()
	if q.words >= 0 {
		q.parts[q.words].Value = strings.Join(args, " ")
	}
	if len(q.parts) == 0 {
		return nil, errors.New("wanted words, --text, --image, --vector, --scan or --item to search for, found none (see engram search --help)")
	}
	if q.rows != nil {
		return nil, errors.New("--row is for a scan or a vector, there is none")
	}
	for i := range q.parts {
		if q.minus[i] {
			q.parts[i].Weight = -q.parts[i].Weight
		}
	}
	return q.parts, nil
}

// note makes the words that have come by now a part of the query.
func (q *queryFlags) note() {
	if q.flags.NArg() == q.seen {
		return
	}
	q.seen = q.flags.NArg()
	if q.words < 0 {
		q.words = q.append(app.Part{Kind: app.PartText, Weight: 1})
	}
	q.last = q.words
}

// append adds a part and returns its place.
func (q *queryFlags) append(p app.Part) int {
	q.parts = append(q.parts, p)
	q.last = len(q.parts) - 1
	return q.last
}

// partValue is a flag that adds a part.
type partValue struct {
	query *queryFlags
	kind  app.PartKind
	value string // what it is, for the help
	minus bool
}

// String implements pflag.Value.
func (partValue) String() string { return "" }

// Type implements pflag.Value.
func (v partValue) Type() string { return v.value }

// Set implements pflag.Value.
func (v partValue) Set(text string) error {
	q := v.query
	q.note()
	p := app.Part{Kind: v.kind, Value: text, Weight: 1}
	if v.kind == app.PartItem {
		id, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return errors.New("wanted the id of an item, a whole number from 0 to 2^64-1")
		}
		p.Item, p.Value = index.ID(id), ""
	}
	i := q.append(p)
	q.minus[i] = v.minus
	if q.rows != nil && p.HasRows() {
		q.parts[i].Rows, q.rows = q.rows, nil
	}
	return nil
}

// weightValue is the weight of the part before it.
type weightValue struct{ query *queryFlags }

// String implements pflag.Value.
func (weightValue) String() string { return "" }

// Type implements pflag.Value.
func (weightValue) Type() string { return "number" }

// Set implements pflag.Value.
func (v weightValue) Set(text string) error {
	q := v.query
	q.note()
	w, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return errors.New("wanted a number above 0")
	}
	if err := embed.CheckWeight(w); err != nil || w < 0 {
		return errors.New("wanted a number above 0 and up to 1e6 (--minus-text, --minus-image and so on ask for less)")
	}
	switch {
	case q.last < 0:
		return errors.New("there is no part of the query before it that it could be about")
	case q.weighted[q.last]:
		return errors.New("the part before it has a weight already")
	}
	q.parts[q.last].Weight, q.weighted[q.last] = w, true
	return nil
}

// rowsValue are rows of the file before it; or of the next one, where there is
// none before.
type rowsValue struct{ query *queryFlags }

// String implements pflag.Value.
func (rowsValue) String() string { return "" }

// Type implements pflag.Value.
func (rowsValue) Type() string { return "rows" }

// Set implements pflag.Value.
func (v rowsValue) Set(text string) error {
	q := v.query
	var rows []int
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil {
			return errors.New("wanted whole numbers, such as 3 or 3,4,5")
		}
		rows = append(rows, n)
	}
	for i := len(q.parts) - 1; i >= 0; i-- {
		if q.parts[i].HasRows() {
			return addRows(&q.parts[i].Rows, rows)
		}
	}
	return addRows(&q.rows, rows)
}

// addRows appends rows. Each may be there once: the same scan twice is no
// second measurement, and would make a search surer than it is.
func addRows(to *[]int, rows []int) error {
	for _, row := range rows {
		if slices.Contains(*to, row) {
			return fmt.Errorf("wanted each row once, found row %d twice", row)
		}
		*to = append(*to, row)
	}
	return nil
}
