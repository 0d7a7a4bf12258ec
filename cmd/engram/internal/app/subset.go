package app

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"engram/data/table"
	"engram/embed/dataset"
)

// subset is some of the images, under a name.
type subset struct {
	name   string
	images map[int]bool
}

// isFilter says whether the value of a subset is a filter and not a file.
func isFilter(value string) bool { return strings.HasPrefix(strings.TrimSpace(value), "{") }

// readSubsets reads the subsets that a spec names. A FILE has an image a line, by name
// or by number from 0 (with MindEye's data by its number among NSD's 73,000). A FILTER
// is JSON, as searches take it, and chooses images by the payload of their items in the
// gallery.
func (s *study) readSubsets(ctx context.Context, spec *EvalSpec, g *gallery) ([]subset, error) {
	var out []subset
	for _, text := range spec.Subsets {
		name, value, found := strings.Cut(text, "=")
		if !found || name == "" || value == "" {
			return nil, fmt.Errorf("--subset is %q, wanted NAME=FILE or NAME=FILTER", text)
		}
		var images map[int]bool
		var err error
		if isFilter(value) {
			images, err = g.chosen(ctx, value)
		} else {
			images, err = s.readSubset(value)
		}
		if err != nil {
			return nil, fmt.Errorf("--subset %s: %w", name, err)
		}
		out = append(out, subset{name, images})
	}
	if spec.SubsetColumn != "" {
		columns, err := s.subsetsOfColumn(spec)
		if err != nil {
			return nil, fmt.Errorf("--subset-column: %w", err)
		}
		out = append(out, columns...)
	}
	slices.SortStableFunc(out, func(a, b subset) int { return strings.Compare(a.name, b.name) })
	for i := 1; i < len(out); i++ {
		if out[i].name == out[i-1].name {
			return nil, fmt.Errorf("--subset: two subsets are named %s", out[i].name)
		}
	}
	return out, nil
}

// readSubset reads the images of a file.
func (s *study) readSubset(file string) (map[int]bool, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	find := s.imageFinder()
	images := map[int]bool{}
	number := 0
	for line := range strings.Lines(string(raw)) {
		number++
		text := strings.TrimSpace(line)
		if text == "" {
			continue
		}
		image, found := find(text)
		if !found {
			return nil, fmt.Errorf("%s, line %d: no image is named %q", file, number, text)
		}
		images[image] = true
	}
	return images, nil
}

// imageFinder returns what finds an image by its name or number.
func (s *study) imageFinder() func(string) (int, bool) {
	if s.scans != nil {
		numbers := map[string]int{}
		for image := range s.Targets.Rows {
			numbers[strconv.FormatInt(s.scans.Number(image), 10)] = image
		}
		return func(text string) (int, bool) { image, found := numbers[text]; return image, found }
	}
	names := dataset.NewNames(s.names)
	return func(text string) (int, bool) {
		if image, found := names.FindOrNumber(text); found {
			return image, true
		}
		image, err := strconv.Atoi(text)
		return image, err == nil && image >= 0 && image < s.Targets.Rows
	}
}

// subsetsOfColumn makes a subset of each value of a column of the trials' table.
func (s *study) subsetsOfColumn(spec *EvalSpec) ([]subset, error) {
	t, err := table.Read(spec.Data.Trials)
	if err != nil {
		return nil, err
	}
	cells, err := t.Column(spec.SubsetColumn)
	if err != nil {
		return nil, err
	}
	seen, err := dataset.ReadSeen(spec.Data.Trials, spec.Data.Column, s.names, s.Targets.Rows)
	if err != nil {
		return nil, err
	}
	members := map[string]map[int]bool{}
	for trial, value := range cells.Values {
		image := seen.Images[trial]
		if image == dataset.NoImage || table.Missing(value) {
			continue
		}
		name := spec.SubsetColumn + "=" + value
		if members[name] == nil {
			members[name] = map[int]bool{}
		}
		members[name][image] = true
	}
	const most = 50 // values of a column that groups images, and does not name each
	if len(members) == 0 || len(members) > most {
		return nil, fmt.Errorf("%s: column %s has %d values, wanted 1 to %d", spec.Data.Trials, spec.SubsetColumn, len(members), most)
	}
	var out []subset
	for name, images := range members {
		out = append(out, subset{name, images})
	}
	return out, nil
}
