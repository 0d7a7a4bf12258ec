package plan

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// formula is how a cell is worked out, and how that is written. A test evaluates
// every text and compares it with the function beside it.
type formula struct {
	key, label string
	unit       Unit
	text       string // in the syntax of Go, over variables and the keys of earlier cells
	source     string
	value      func(values) float64
}

// values are the variables of a plan and its cells so far, by name.
type values map[string]float64

// of returns the value of that name. A formula that names none is a mistake in
// this package.
func (v values) of(name string) float64 {
	value, ok := v[name]
	if !ok {
		panic(fmt.Sprintf("plan: a formula of %s, which has no value yet", name))
	}
	return value
}

// sheet holds the value of every variable and cell so far.
type sheet struct {
	values values
	cells  []Cell
}

// add works out formulas in order and appends their cells.
func (s *sheet) add(formulas ...formula) {
	for _, f := range formulas {
		value := f.value(s.values)
		s.values[f.key] = value
		s.cells = append(s.cells, Cell{
			Key: f.key, Label: f.label, Unit: f.unit, Value: value,
			Formula: f.text, Numbers: s.fill(f.text), Source: f.source,
		})
	}
}

// sum returns the formula of a cell that is the sum of other cells: first, where
// it is not "", and those whose key begins with prefix.
func (s *sheet) sum(cell Cell, first, prefix string) formula {
	var keys []string
	if first != "" {
		keys = append(keys, first)
	}
	for _, c := range s.cells {
		if strings.HasPrefix(c.Key, prefix) {
			keys = append(keys, c.Key)
		}
	}
	return formula{cell.Key, cell.Label, cell.Unit, strings.Join(keys, " + "), arithmetic, func(v values) float64 {
		total := 0.0
		for _, key := range keys {
			total += v.of(key)
		}
		return total
	}}
}

// identifier matches a variable, and the bracket that makes it a function.
var identifier = regexp.MustCompile(`[A-Za-z]\w*\(?`)

// fill puts numbers in the place of the variables of a text.
func (s *sheet) fill(text string) string {
	return identifier.ReplaceAllStringFunc(text, func(name string) string {
		if strings.HasSuffix(name, "(") {
			return name
		}
		return strconv.FormatFloat(s.values.of(name), 'g', 6, 64)
	})
}
