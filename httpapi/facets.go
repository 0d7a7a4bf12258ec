package httpapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"engram/index"

	"github.com/gin-gonic/gin"
	"golang.org/x/sync/semaphore"
)

const (
	facetSample    = 500         // items whose payloads tell which keys are facets
	facetKeys      = 8           // facets at most
	facetLength    = 60          // bytes of a facet's value at most
	facetMaxValues = 100         // values of a facet that are listed
	facetsKept     = time.Minute // how long counts are kept
)

// facetView is a payload key with few values, each of many items.
type facetView struct {
	Key    string           `json:"key"`
	Values []valueCountView `json:"values"`
	More   int              `json:"more,omitempty"` // values that are not listed
}

type valueCountView struct {
	Value any `json:"value"`
	Items int `json:"items"`
}

type facetsView struct {
	Items  int         `json:"items"` // of the index
	Facets []facetView `json:"facets"`
}

// facets keeps the last counts. Its zero value has none.
type facets struct {
	made sync.Once
	turn *semaphore.Weighted // of the request that counts, or looks at what was counted
	at   time.Time
	last facetsView
}

// count returns counts that are at most a minute old. It waits for a request that is
// counting until ctx ends; where that one gives up, the next one counts.
func (f *facets) count(ctx context.Context, store index.Store) (facetsView, error) {
	info, err := store.Info(ctx)
	if err != nil {
		return facetsView{}, err
	}
	f.made.Do(func() { f.turn = semaphore.NewWeighted(1) })
	if err := f.turn.Acquire(ctx, 1); err != nil {
		return facetsView{}, err
	}
	defer f.turn.Release(1)
	if time.Since(f.at) > facetsKept || f.last.Items != info.Count {
		counted, err := countFacets(ctx, store)
		if err != nil {
			return facetsView{}, err
		}
		f.last, f.at = facetsView{Items: info.Count, Facets: counted}, time.Now()
	}
	return f.last, nil
}

// getFacets answers GET /v1/facets. Counts are at most a minute old.
func (s *Server) getFacets(c *gin.Context) error {
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.opts.SearchTimeout)
	defer cancel()
	counted, err := s.facets.count(ctx, s.opts.Store)
	if err != nil {
		return err
	}
	writeJSON(c, http.StatusOK, "application/json", counted)
	return nil
}

// countFacets counts the values of the keys that are facets, without the ones that the
// store does not count.
func countFacets(ctx context.Context, store index.Store) ([]facetView, error) {
	all := []facetView{}
	counter, ok := store.(index.ValueCounter)
	if !ok {
		return all, nil
	}
	keys, err := facetsOf(ctx, store)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		counts, err := counter.CountValues(ctx, key)
		if errors.Is(err, errors.ErrUnsupported) {
			continue
		}
		if err != nil {
			return nil, err
		}
		view := facetView{Key: key, More: max(0, len(counts)-facetMaxValues)}
		for _, count := range counts[:min(len(counts), facetMaxValues)] {
			view.Values = append(view.Values, valueCountView(count))
		}
		all = append(all, view)
	}
	return all, nil
}

// facetsOf looks at the first items and returns the payload keys that suit as filters. The
// values of such a key are short strings or bools, and most of them occur several times.
func facetsOf(ctx context.Context, store index.Store) ([]string, error) {
	found := map[string]index.ValueCounts{}
	items := 0
	for item, err := range index.AllFrom(ctx, store, 0) {
		if err != nil {
			return nil, err
		}
		for key, value := range item.Payload {
			if found[key] == nil {
				found[key] = index.ValueCounts{}
			}
			found[key].Add(value)
		}
		if items++; items == facetSample {
			break
		}
	}
	var keys []string
	for key, counts := range found {
		if isFacet(key, counts.Sorted()) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys[:min(len(keys), facetKeys)], nil
}

// notFacets are keys that name an item or describe it in words.
var notFacets = []string{
	index.KeyPath, index.KeyShard, index.KeyTar, index.KeyKey, index.KeyModified, index.KeyCaption, index.KeyCaptions, index.KeyURL, index.KeyImagePath,
}

// isFacet tells whether a key with these values is a facet.
func isFacet(key string, counts []index.ValueCount) bool {
	if slices.Contains(notFacets, key) || len(counts) < 2 {
		return false
	}
	occurrences := 0
	for _, count := range counts {
		if text, isText := count.Value.(string); isText && (len(text) > facetLength || strings.TrimSpace(text) == "") {
			return false
		}
		occurrences += count.Items
	}
	return occurrences >= 2*len(counts)
}
