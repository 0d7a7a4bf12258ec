package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"engram/httpapi/internal/problem"
	"engram/index"

	"github.com/google/go-cmp/cmp"
)

// markedOptions is the fake world where pink and blue are marked as unsafe, and
// green as safe; red and yellow have no marks.
func markedOptions(t testing.TB) Options {
	t.Helper()
	opts := fakeOptions(t)
	store := opts.Store.(*memStore)
	store.mark(pink, "NSFW", "Unsure")
	store.mark(blue, "punsafe", .93)
	store.mark(green, "NSFW", "UNLIKELY")
	store.mark(green, "punsafe", .02)
	return opts
}

func TestSearchTakesAFilterInEveryFormOfAQuery(t *testing.T) {
	s := newServer(t, markedOptions(t))
	const yellow = "18446744073709551615"
	const ofGreen = `{"key":"caption","text":"GREEN flat"}`
	inAddress := func(filter string) string { return "?filter=" + url.QueryEscape(filter) }
	picture := string(flatPNG(t, colours[red]))
	for _, test := range []struct {
		name, address, contentType, body string
		form                             []string
		want                             []string
	}{
		{name: "JSON", body: `{"item":"1","filter":` + ofGreen + `}`, want: []string{"3"}},
		{name: "JSON, several conditions", body: `{"vector":[1,0,0],"filter":{"or":[{"key":"punsafe","from":0.01},{"key":"path","in":["red.png"]}]}}`,
			want: []string{"1", "3", "4"}},
		{name: "JSON, what is missing", body: `{"vector":[1,0,0],"filter":{"key":"NSFW","exists":false}}`, want: []string{"1", yellow, "4"}},
		{name: "JSON, nothing fits", body: `{"vector":[1,0,0],"filter":{"or":[]}}`, want: nil},
		{name: "JSON, null", body: `{"vector":[1,0,0],"k":1,"filter":null,"safe":null}`, want: []string{"1"}},
		{name: "JSON goes before the address", address: inAddress(`{"or":[]}`), body: `{"item":"1","filter":` + ofGreen + `}`, want: []string{"3"}},
		{name: "JSON with a filter in the address", address: inAddress(ofGreen), body: `{"item":"1"}`, want: []string{"3"}},
		{name: "an image", address: inAddress(ofGreen), contentType: "image/png", body: picture, want: []string{"3"}},
		{name: "a form", form: []string{"image", picture, "=filter", ofGreen}, want: []string{"3"}},
		{name: "a form with the filter first", form: []string{"=filter", ofGreen, "image", picture}, want: []string{"3"}},
		{name: "JSON, safe", body: `{"vector":[1,0,0],"safe":true}`, want: []string{"1", yellow, "3"}},
		{name: "JSON, not safe", body: `{"vector":[1,0,0],"safe":false}`, want: []string{"1", "2", yellow, "3", "4"}},
		{name: "JSON, safe and k", body: `{"vector":[1,0,0],"safe":true,"k":2}`, want: []string{"1", yellow}},
		{name: "JSON, safe and a filter", body: `{"vector":[1,0,0],"safe":true,"filter":{"key":"NSFW","exists":true}}`, want: []string{"3"}},
		{name: "like an unsafe item", body: `{"item":"2","safe":true,"k":2}`, want: []string{"1", yellow}},
		{name: "safe in the address", address: "?safe=true", contentType: "image/png", body: picture, want: []string{"1", yellow, "3"}},
		{name: "safe in a form", form: []string{"image", picture, "=safe", "true"}, want: []string{"1", yellow, "3"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			contentType, body := test.contentType, []byte(test.body)
			if contentType == "" {
				contentType = "application/json"
			}
			if test.form != nil {
				contentType, body = form(t, test.form...)
			}
			got := hitIDs(t, post(t, s, "/v1/search"+test.address, contentType, body))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("hits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSearchTakesExactAndRecallInEveryFormOfAQuery(t *testing.T) {
	opts := fakeOptions(t)
	store := opts.Store.(*memStore)
	s := newServer(t, opts)
	picture := string(flatPNG(t, colours[red]))
	for _, test := range []struct {
		name, address, body string
		form                []string
		exact               bool
		recall              float64
	}{
		{name: "neither", body: `{"item":"1"}`},
		{name: "exact", body: `{"item":"1","exact":true}`, exact: true},
		{name: "exact in the address", address: "?exact=true", body: `{"item":"1"}`, exact: true},
		{name: "the body goes before the address", address: "?exact=true&recall=0.5", body: `{"item":"1","exact":false,"recall":0.9}`, recall: .9},
		{name: "recall", body: `{"item":"1","recall":0.95,"exact":null}`, recall: .95},
		{name: "recall in the address", address: "?recall=0.95", body: `{"item":"1"}`, recall: .95},
		{name: "exact in a form", form: []string{"image", picture, "=exact", "true"}, exact: true},
		{name: "recall in a form", form: []string{"=recall", "1", "image", picture}, recall: 1},
	} {
		contentType, body := "application/json", []byte(test.body)
		if test.form != nil {
			contentType, body = form(t, test.form...)
		}
		if got := hitIDs(t, post(t, s, "/v1/search"+test.address, contentType, body)); len(got) == 0 {
			t.Errorf("%s: no hits", test.name)
		}
		if store.asked.Exact != test.exact || store.asked.Recall != test.recall {
			t.Errorf("%s: the store is asked with exact %v and recall %v, want %v and %v", test.name, store.asked.Exact, store.asked.Recall, test.exact, test.recall)
		}
	}
}

func TestSearchRefusesAFilterThatItDoesNotUnderstand(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	for _, test := range []struct{ address, body, slug, detail string }{
		{body: `{"item":"1","filter":{"and":[{"key":"a","equal":[1.5]}]}}`, slug: "unusable-filter", detail: "filter.and[0].equal is an array, wanted a string, a boolean or a number"},
		{body: `{"item":"1","filter":"red"}`, slug: "unusable-filter", detail: "filter is a string, wanted an object"},
		{body: `{"item":"1","filter":{"key":"a","between":[1,2]}}`, slug: "unusable-filter", detail: `filter has "between", wanted key, and, or`},
		{body: `{"item":"1","filter":{"key":"a","in":[]}}`, slug: "unusable-filter", detail: `filter: "a" is looked for in an empty list, wanted a value at least`},
		{body: `{"item":"1","filter":` + strings.Repeat(`{"not":`, 50) + `{"or":[]}` + strings.Repeat(`}`, 50) + `}`, slug: "unusable-filter", detail: "more than 32"},
		{address: "?filter=red", body: `{"item":"1"}`, slug: "unusable-filter", detail: "filter: byte 0: invalid character 'r'"},
		{address: "?safe=yes", body: `{"item":"1"}`, slug: "unusable-query", detail: `safe is "yes", wanted true or false`},
		{body: `{"item":"1","recall":1.5}`, slug: "unusable-query", detail: "a recall of 1.5, wanted a number above 0 and up to 1"},
		{body: `{"item":"1","recall":0.9,"exact":true}`, slug: "unusable-query", detail: "wanted one of the two"},
		{address: "?recall=high", body: `{"item":"1"}`, slug: "unusable-query", detail: `recall is "high", wanted a number`},
		{body: `{"item":"1","recall":"high"}`, slug: "unreadable-body", detail: "recall is a string, wanted a number"},
		{body: `{"item":"1","safe":"true"}`, slug: "unreadable-body", detail: "safe is a string, wanted true or false"},
	} {
		got := decodeBody[problem.Details](t, post(t, s, "/v1/search"+test.address, "application/json", []byte(test.body)), http.StatusBadRequest)
		if got.Type != "urn:engram:problem:"+test.slug || !strings.Contains(got.Detail, test.detail) {
			t.Errorf("%s %s: problem is %s: %q, want %s: %q", test.address, test.body, got.Type, got.Detail, test.slug, test.detail)
		}
	}
}

func TestUnsafeItemsAreMarkedAndCanBeLeftOut(t *testing.T) {
	s := newServer(t, markedOptions(t))
	marked := func(items []itemView) map[string]bool {
		found := map[string]bool{}
		for _, item := range items {
			found[item.ID] = item.Unsafe
		}
		return found
	}
	list := func(address string) map[string]bool {
		return marked(decodeBody[struct{ Items []itemView }](t, get(t, s, address), http.StatusOK).Items)
	}
	const yellow = "18446744073709551615"
	all := map[string]bool{"1": false, "2": true, "3": false, "4": true, yellow: false}
	if diff := cmp.Diff(all, list("/v1/items")); diff != "" {
		t.Errorf("items and their marks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]bool{"1": false, "3": false, yellow: false}, list("/v1/items?safe=true")); diff != "" {
		t.Errorf("safe items (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]bool{"1": false, "3": false}, list("/v1/items?safe=true&limit=2")); diff != "" {
		t.Errorf("two safe items (-want +got):\n%s", diff)
	}
	if p := decodeBody[problem.Details](t, get(t, s, "/v1/items?safe=1"), http.StatusBadRequest); p.Detail != `safe is "1", wanted true or false` {
		t.Errorf("problem is %q", p.Detail)
	}
	if item := decodeBody[itemView](t, get(t, s, "/v1/items/2"), http.StatusOK); !item.Unsafe {
		t.Errorf("item 2 is not marked: %+v", item)
	}
	answer := decodeBody[searchView](t, ask(t, s, `{"item":"4","safe":false}`), http.StatusOK)
	if !answer.Query.Item.Unsafe {
		t.Errorf("the item asked with is not marked: %+v", answer.Query.Item)
	}
	for _, hit := range answer.Hits {
		if hit.Unsafe != all[hit.ID] {
			t.Errorf("hit %s is marked: %v", hit.ID, hit.Unsafe)
		}
	}
}

// openapi.yaml lists the members that ParseFilter takes. ParseFilter names them
// when it refuses another one.
func TestSpecificationListsEveryMemberOfAFilter(t *testing.T) {
	var specified []string
	for _, alternative := range openSpecification(t).doc.Components.Schemas["Filter"].Value.OneOf {
		for name := range alternative.Value.Properties {
			specified = append(specified, name)
		}
	}
	_, err := index.ParseFilter(`{"?": 1}`)
	_, list, _ := strings.Cut(strings.TrimSuffix(err.Error(), ": "+index.ErrFilter.Error()), "wanted ")
	taken := strings.Split(strings.Replace(list, " or ", ", ", 1), ", ")
	slices.Sort(specified)
	slices.Sort(taken)
	if diff := cmp.Diff(taken, specified); diff != "" {
		t.Errorf("members that are taken (-) and openapi.yaml (+) differ:\n%s", diff)
	}
	for name, example := range map[string]string{
		"and": `{"and":[]}`, "not": `{"not":{"or":[]}}`, "equal": `{"key":"k","equal":1}`, "in": `{"key":"k","in":["x"]}`,
		"above": `{"key":"k","above":1}`, "from": `{"key":"k","from":1}`, "below": `{"key":"k","below":1}`, "to": `{"key":"k","to":1}`,
		"exists": `{"key":"k","exists":true}`, "text": `{"key":"k","text":"x"}`,
	} {
		if _, err := index.ParseFilter(example); err != nil || !slices.Contains(specified, name) {
			t.Errorf("%s: %v", example, err)
		}
	}
}
