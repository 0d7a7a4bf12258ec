package dataset

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Seen reads which of n images each trial saw, counted from 0, from a column of
// a CSV file with a header: numbers, or names where the images have some.
func Seen(path, column string, names []string, n int) ([]int, error) {
	records, err := Column(path, column)
	if err != nil {
		return nil, err
	}
	places := make(map[string]int, len(names))
	for i, name := range names {
		places[name] = i
	}
	seen := make([]int, len(records))
	for i, text := range records {
		place, named := places[text]
		if !named {
			if place, err = strconv.Atoi(text); err != nil || place < 0 || place >= n {
				return nil, fmt.Errorf("%s: line %d: %q is not one of the %d images, wanted 0…%d or a path in the folder of stimuli", path, i+2, text, n, n-1)
			}
		}
		seen[i] = place
	}
	return seen, nil
}

// Column reads one column of a CSV file with a header.
func Column(path, column string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := csv.NewReader(file)
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: wanted a header: %w", path, err)
	}
	place := slices.Index(header, column)
	if place < 0 {
		return nil, fmt.Errorf("%s has no column %q, it has %s", path, column, strings.Join(header, ", "))
	}
	var values []string
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		values = append(values, strings.Clone(strings.TrimSpace(record[place])))
	}
}
