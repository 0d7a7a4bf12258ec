package golden

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
)

// Query is a search and what it found, best first.
type Query struct {
	Name string // one line
	Hits []Hit
}

// Hit is one result of a search.
type Hit struct {
	Score float64
	Name  string // one line
}

// Rankings compares the results of searches with the file testdata/name, which
// says in its first line what was searched. Scores may differ by tolerance,
// because processors round differently; results whose scores are that close may
// change places, also with a result just below the last.
func Rankings(t testing.TB, name, about string, tolerance float64, got []Query) {
	t.Helper()
	want, err := parseRankings(string(read(t, name, []byte(formatRankings(about, got)))))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(want) != len(got) {
		t.Fatalf("%s has %d queries, the test %d (-update writes the file again)", name, len(want), len(got))
	}
	for i := range got {
		if fault := compareRanking(want[i], got[i], tolerance); fault != "" {
			t.Errorf("%s: query %q: %s (-update writes the file again)\nwant:\n%sgot:\n%s", name, got[i].Name, fault,
				formatRankings("", want[i:i+1]), formatRankings("", got[i:i+1]))
		}
	}
}

// compareRanking says in which way two rankings differ, and nothing where they
// are the same.
func compareRanking(want, got Query, tolerance float64) string {
	if want.Name != got.Name {
		return fmt.Sprintf("the file has %q in its place", want.Name)
	}
	if len(want.Hits) != len(got.Hits) {
		return fmt.Sprintf("%d results, wanted %d", len(got.Hits), len(want.Hits))
	}
	scores := map[string]float64{}
	for _, hit := range want.Hits {
		scores[hit.Name] = hit.Score
	}
	for i, hit := range got.Hits {
		if math.Abs(hit.Score-want.Hits[i].Score) > tolerance {
			return fmt.Sprintf("result %d has score %.4f, wanted %.4f", i+1, hit.Score, want.Hits[i].Score)
		}
		score, listed := scores[hit.Name]
		if !listed {
			score = want.Hits[len(want.Hits)-1].Score
		}
		if math.Abs(hit.Score-score) > tolerance {
			return fmt.Sprintf("result %d is %q, wanted %q", i+1, hit.Name, want.Hits[i].Name)
		}
	}
	return ""
}

// formatRankings writes a query as a line and each of its hits as an indented
// line of score and name.
func formatRankings(about string, queries []Query) string {
	var b strings.Builder
	if about != "" {
		fmt.Fprintf(&b, "# %s\n", about)
	}
	for _, query := range queries {
		fmt.Fprintf(&b, "\n%s\n", query.Name)
		for _, hit := range query.Hits {
			fmt.Fprintf(&b, "  %.4f  %s\n", hit.Score, hit.Name)
		}
	}
	return b.String()
}

func parseRankings(text string) ([]Query, error) {
	var queries []Query
	for i, line := range strings.Split(text, "\n") {
		rest, indented := strings.CutPrefix(line, "  ")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case !indented:
			queries = append(queries, Query{Name: line})
		case len(queries) == 0:
			return nil, fmt.Errorf("line %d: a result before the first query", i+1)
		default:
			number, name, _ := strings.Cut(rest, "  ")
			score, err := strconv.ParseFloat(number, 64)
			if err != nil {
				return nil, fmt.Errorf("line %d: %q is no score", i+1, number)
			}
			last := &queries[len(queries)-1]
			last.Hits = append(last.Hits, Hit{score, name})
		}
	}
	return queries, nil
}
