package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"engram/index"

	"github.com/google/go-cmp/cmp"
)

// resultServer serves nine items at growing distances from the first axis. They lie in
// threes that are alike, and each has its parity.
func resultServer(t *testing.T) *Server {
	t.Helper()
	opts := fakeOptions(t)
	opts.Images = nil
	store := opts.Store.(*memStore)
	clear(store.items)
	for i := range 9 {
		a, b := []float32{0, 1, 5}[i/3], float32(i%3)/100
		vector, err := index.Unit([]float32{1, a + b, 0}, 3)
		if err != nil {
			t.Fatal(err)
		}
		store.items[index.ID(i)] = index.Item{ID: index.ID(i), Vector: vector, Payload: index.Payload{"odd": i%2 == 1}}
	}
	return newServer(t, opts)
}

// seen names the hits of an answer: id(folded)[others of the group].
func seen(t *testing.T, body []byte) (hits, next string) {
	t.Helper()
	var answer searchView
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	for _, h := range answer.Hits {
		hits += h.ID
		if h.Folded != nil {
			hits += fmt.Sprintf("(%s)", strings.Join(h.Folded, " "))
		}
		if h.Group != nil {
			hits += fmt.Sprintf("%v", h.Group.Value)
			for _, other := range h.Group.Others {
				hits += "+" + other.ID
			}
		}
		hits += " "
	}
	return strings.TrimSpace(hits), answer.Next
}

func TestWhatIsWantedOfTheRanking(t *testing.T) {
	s := resultServer(t)
	for _, test := range []struct{ options, want string }{
		{`"k": 4`, "0 1 2 3"},
		{`"k": 3, "fold": true`, "0(1 2) 3(4 5) 6(7 8)"},
		{`"k": 2, "fold_from": 0.9999999`, "0 1"},
		{`"k": 9, "min_score": 0.705`, "0 1 2 3"},
		{`"k": 2, "fold": true, "min_score": 0.7071`, "0(1 2) 3"},
		{`"k": 2, "group_by": "odd", "group_size": 2`, "0false+2 1true+3"},
		{`"k": 2, "group_by": "odd", "group_size": 2, "fold": true`, "0(1 2)false+6 3(4 5)true"},
		{`"k": 3, "group_by": "absent"`, ""},
		{`"k": 2, "mmr": 0.2, "mmr_candidates": 9`, "0 8"},
		{`"k": 2, "mmr": 1`, "0 1"},
		{`"k": 2, "fold": null, "mmr": null, "group_by": null, "group_size": null, "after": null, "min_score": null, "fold_from": null, "mmr_candidates": null`, "0 1"},
	} {
		w := ask(t, s, `{"vector": [1, 0, 0], `+test.options+`}`)
		hits, _ := seen(t, w.Body.Bytes())
		if w.Code != http.StatusOK || hits != test.want {
			t.Errorf("%s: status %d, %q, want %q; %s", test.options, w.Code, hits, test.want, w.Body)
		}
	}
}

// Pages are asked for in JSON, in the address and in forms, and end where the items do.
func TestPagesOfASearch(t *testing.T) {
	s := resultServer(t)
	var pages []string
	after := "null"
	for range 9 {
		hits, next := seen(t, ask(t, s, `{"vector": [1, 0, 0], "k": 4, "after": `+after+`}`).Body.Bytes())
		pages = append(pages, hits)
		if after = `"` + next + `"`; next == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"0 1 2 3", "4 5 6 7", "8"}, pages); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	address := "/v1/search?k=2&fold=true"
	_, body := postJSON(t, s, address, `{"vector": [1, 0, 0]}`)
	_, next := seen(t, body)
	_, body = postJSON(t, s, address+"&after="+url.QueryEscape(next), `{"vector": [1, 0, 0]}`)
	if hits, next := seen(t, body); hits != "6(7 8)" || next != "" {
		t.Errorf("the second page by the address: %q, next %q", hits, next)
	}
	for _, other := range []string{`"item": "3"`, `"vector": [1, 0, 1e-9]`, `"vector": [1, 0, 0], "safe": true`, `"vector": [1, 0, 0], "min_score": 0`} {
		if status, body := postJSON(t, s, address+"&after="+url.QueryEscape(next), `{`+other+`}`); status != http.StatusBadRequest || !strings.Contains(string(body), "another search") {
			t.Errorf("%s with the cursor of another search: status %d, %s", other, status, body)
		}
	}
}

func TestWhatCannotBeWantedIsRefused(t *testing.T) {
	s := resultServer(t)
	for options, want := range map[string]string{
		`"fold": 1`: "true or false", `"fold_from": 0`: "fold_from", `"fold_from": "x"`: "a number", `"fold_from": 1.5`: "fold_from",
		`"min_score": 2`: "least score", `"min_score": []`: "a number", `"mmr": -1`: "lambda", `"mmr_candidates": 5`: "without mmr",
		`"mmr": 1, "mmr_candidates": 2`: "2 candidates", `"mmr": 1, "mmr_candidates": 0`: "mmr_candidates", `"mmr": 1, "mmr_candidates": "7"`: "mmr_candidates",
		`"mmr": 1, "group_by": "odd"`: "one of the two", `"mmr": 1, "after": "x"`: "one page", `"group_size": 3`: "payload key",
		`"group_by": "odd", "group_size": 5000`: "at most", `"group_by": 7`: "a string", `"after": "x"`: "cursor", `"after": 7`: "a string",
	} {
		w := ask(t, s, `{"vector": [1, 0, 0], `+options+`}`)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: status %d, %s; want %q", options, w.Code, w.Body, want)
		}
	}
	for _, address := range []string{"?mmr=x", "?group_size=0", "?group_by=odd&group_size=x", "?fold=yes", "?min_score=low", "?after="} {
		if status, body := postJSON(t, s, "/v1/search"+address, `{"vector": [1, 0, 0]}`); status != http.StatusBadRequest {
			t.Errorf("%s: status %d, %s", address, status, body)
		}
	}
}

// What all tokens of a scan have ranked is folded, cut and paged too.
func TestResultsOfAScan(t *testing.T) {
	opts := fakeOptions(t)
	opts.Decoder.Predict = rankWith(func([][]float32, ScanQuery) (*ScanRanking, error) {
		confidence := .8
		return &ScanRanking{
			Hits:   []index.Hit{{ID: 2, Score: 41.5}, {ID: 4, Score: 40}, {ID: 1, Score: -7}},
			Stages: Stages{Metric: "likelihood", Candidates: 3, Confidence: &confidence},
		}, nil
	})
	s := newServer(t, opts)
	scan := `{"voxels": [1, 0, 0, 0, 0], "k": 1`
	page := ask(t, s, scan+`, "min_score": 0}`).Body
	stated := strings.Contains(page.String(), `"confidence"`)
	first, next := seen(t, page.Bytes())
	page = ask(t, s, scan+`, "min_score": 0, "after": "`+next+`"}`).Body
	if !stated || strings.Contains(page.String(), `"confidence"`) {
		t.Errorf("the confidence of the first hit: on the first page %v, wanted there alone", stated)
	}
	second, end := seen(t, page.Bytes())
	if first != "2" || second != "4" || end != "" {
		t.Errorf("pages %q and %q, next %q", first, second, end)
	}
	if w := ask(t, s, scan+`, "after": "`+next+`"}`); w.Code != http.StatusBadRequest {
		t.Errorf("the cursor of another least score: status %d", w.Code)
	}
}
