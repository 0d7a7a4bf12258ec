package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"

	"engram/index"
	"engram/index/ingest"
	"engram/index/source"
)

// Shards of 100 bytes and 4 rows each do not say how many rows they have, and
// some or all of them cannot be read beyond some row.
func TestEstimateOfShardsThatCannotBeReadToTheirEnd(t *testing.T) {
	for _, test := range []struct {
		name    string
		damaged map[string]int // after how many rows
		rows    int
	}{
		{"none", nil, 20},
		{"the middle one, from the beginning", map[string]int{"2": 0}, 20},
		{"the middle ones", map[string]int{"2": 1, "3": 1}, 20},
		{"all", map[string]int{"0": 2, "1": 2, "2": 0, "3": 3, "4": 3}, 10},
		{"all, from the beginning", map[string]int{"0": 0, "1": 0, "2": 0, "3": 0, "4": 0}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			shards := library{}
			for i := range 5 {
				shards[fmt.Sprint(i)] = []book{{text: "a", vector: true}, {text: "b", vector: true}, {text: "c", vector: true}, {text: "d", vector: true}}
			}
			job := ingest.Job{Shards: shards.shards()}
			for i := range job.Shards {
				s := &job.Shards[i]
				s.Rows, s.Bytes = -1, 100
				if rows, damaged := test.damaged[s.Name]; damaged {
					s.Read = damagedAfter(s.Read, rows)
				}
			}
			e, err := job.Estimate(t.Context(), index.Info{Dim: 2}, 0)
			if err != nil {
				t.Fatal(err)
			}
			if e.Rows != test.rows || !e.Guessed {
				t.Errorf("estimate is of %d rows (guessed: %v), want %d", e.Rows, e.Guessed, test.rows)
			}
		})
	}
}

// damagedAfter yields the first n rows of read one by one, and an error.
func damagedAfter(read func(context.Context, int) iter.Seq2[[]source.Row, error], n int) func(context.Context, int) iter.Seq2[[]source.Row, error] {
	return func(ctx context.Context, from int) iter.Seq2[[]source.Row, error] {
		return func(yield func([]source.Row, error) bool) {
			at := from
			for rows := range read(ctx, from) {
				for i := range rows {
					if at >= n {
						break
					}
					if at++; !yield(rows[i:i+1], nil) {
						return
					}
				}
			}
			yield(nil, errors.New("the rest is damaged"))
		}
	}
}
