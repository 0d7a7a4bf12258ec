package qdrant

import (
	"context"
	"errors"
	"fmt"

	"engram/index"

	api "github.com/qdrant/go-client/qdrant"
)

const (
	maxFacetValues  = 10_000  // values of a key that the server is asked to count
	maxReadPayloads = 100_000 // items whose payloads a count reads where the server does not count
)

var _ index.ValueCounter = (*Store)(nil)

// CountValues implements index.ValueCounter. The server counts the values of a key that
// has an index of keywords or bools, up to 10,000 of them. The values that such an index
// does not have, and the ones of other keys, are read from the payloads, of 100,000 items
// at most; errors.ErrUnsupported says that there are more. A count makes no index.
func (s *Store) CountValues(ctx context.Context, key string) ([]index.ValueCount, error) {
	release, err := s.reading(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	info, err := s.collection(ctx, s.opts.Collection) // another program may have changed its indexes
	if err != nil {
		return nil, err
	}
	var rest *api.Filter // chooses the items that are not counted yet, nil for all
	counts := index.ValueCounts{}
	if kind := readIndexes(info)[path(key)]; kind == index.Keyword || kind == index.Bool {
		complete, err := s.facet(ctx, key, counts)
		if err != nil {
			return nil, err
		}
		if complete {
			rest = otherValues(key, counts)
		}
	}
	if rest == nil && info.GetPointsCount() > maxReadPayloads {
		return nil, tooManyToRead(key)
	}
	if err := s.readValues(ctx, key, rest, counts); err != nil {
		return nil, err
	}
	return counts.Sorted(), nil
}

// facet takes the counts of the server, which has an index of the key. Of too many values
// it takes none and is not complete.
func (s *Store) facet(ctx context.Context, key string, counts index.ValueCounts) (complete bool, err error) {
	hits, err := call(ctx, s.server, "count values", func(ctx context.Context) ([]*api.FacetHit, error) {
		return s.client.Facet(ctx, &api.FacetCounts{
			CollectionName: s.opts.Collection, Key: path(key), Exact: new(true), Limit: new(uint64(maxFacetValues)),
		})
	})
	if err != nil || len(hits) >= maxFacetValues { // there may be more
		return false, err
	}
	for _, hit := range hits {
		n := int(hit.GetCount())
		if n == 0 { // a value that was replaced or deleted
			continue
		}
		switch value := hit.GetValue().GetVariant().(type) {
		case *api.FacetValue_StringValue:
			counts[value.StringValue] = n
		case *api.FacetValue_BoolValue:
			counts[value.BoolValue] = n
		}
	}
	return true, nil
}

// otherValues chooses the items that have a key and none of the counted values, such as
// bools where the index is of keywords.
func otherValues(key string, counted index.ValueCounts) *api.Filter {
	filter := &api.Filter{Must: []*api.Condition{exists(key).Condition}}
	var texts []string
	for _, count := range counted.Sorted() {
		switch value := count.Value.(type) {
		case string:
			texts = append(texts, value)
		case bool:
			filter.MustNot = append(filter.MustNot, api.NewMatchBool(path(key), value))
		}
	}
	if len(texts) > 0 {
		filter.MustNot = append(filter.MustNot, api.NewMatchKeywords(path(key), texts...))
	}
	return filter
}

// readValues counts the values of a key in the payloads of the items that a filter chooses.
func (s *Store) readValues(ctx context.Context, key string, filter *api.Filter, counts index.ValueCounts) error {
	name, read := escapeKey.Replace(key), 0
	request := &api.ScrollPoints{
		CollectionName: s.opts.Collection, Filter: filter, Limit: new(uint32(idsPerRequest)),
		WithPayload: api.NewWithPayloadInclude(path(key)), WithVectors: api.NewWithVectors(false),
	}
	for {
		points, next, err := s.scrollPage(ctx, request)
		if err != nil {
			return err
		}
		if read += len(points); read > maxReadPayloads {
			return tooManyToRead(key)
		}
		for _, p := range points {
			addValues(counts, p.GetPayload()[name])
		}
		if next == nil {
			return nil
		}
		request.Offset = next
	}
}

// addValues counts the string or bool that an item has, each element of a list once.
func addValues(counts index.ValueCounts, value *api.Value) {
	elements := []*api.Value{value}
	if list := value.GetListValue(); list != nil {
		elements = list.GetValues()
	}
	had := index.ValueCounts{}
	for _, element := range elements {
		switch kind := element.GetKind().(type) {
		case *api.Value_StringValue:
			had.Add(kind.StringValue)
		case *api.Value_BoolValue:
			had.Add(kind.BoolValue)
		}
	}
	for v := range had {
		counts.Add(v)
	}
}

func tooManyToRead(key string) error {
	return fmt.Errorf("qdrant: the values of %q are in more than %d payloads that no index counts, wanted an index of the key for %s or %s: %w",
		key, maxReadPayloads, index.Keyword, index.Bool, errors.ErrUnsupported)
}
