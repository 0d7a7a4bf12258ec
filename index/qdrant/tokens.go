package qdrant

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"engram/data/half"
	"engram/index"

	api "github.com/qdrant/go-client/qdrant"
	"golang.org/x/sync/errgroup"
)

// tokenVector is the name of the multivector with the tokens of a point.
const tokenVector = "tokens"

// maxMultivector is how many elements the server takes in the multivector of a point.
const maxMultivector = 1 << 20

// tokenReply bounds the bytes of tokens in a reply. A larger one is asked for in
// parts, a few of them at a time.
const tokenReply = 16 << 20

var _ index.TokenStore = (*Store)(nil)

// tokenWidth returns the elements of one vector of the multivector. An int8 token has
// the four bytes of its scale before its codes.
func tokenWidth(f index.TokenFormat) int {
	if f.Kind == index.TokensInt8 {
		return 4 + f.Dim
	}
	return f.Dim
}

// tokenParams describes the multivector of a new collection. It lies on disk, and no
// graph is built over it (m = 0), for nobody searches it. The distance is the dot
// product because the server stores vectors of a cosine distance at unit length.
func tokenParams(f index.TokenFormat) *api.VectorParams {
	kind := api.Datatype_Float16
	if f.Kind == index.TokensInt8 {
		kind = api.Datatype_Uint8
	}
	return &api.VectorParams{
		Size: uint64(tokenWidth(f)), Distance: api.Distance_Dot, Datatype: &kind, OnDisk: new(true),
		HnswConfig:        &api.HnswConfigDiff{M: new(uint64(0))},
		MultivectorConfig: &api.MultiVectorConfig{Comparator: api.MultiVectorComparator_MaxSim},
	}
}

// checkTokens refuses tokens that the server has no room for (index.ErrTokens).
func checkTokens(f index.TokenFormat) error {
	if err := f.Check(); err != nil || !f.Kept() {
		return err
	}
	if width := tokenWidth(f); width > maxDim || f.Count*width > maxMultivector {
		return fmt.Errorf("qdrant: %s, wanted %d elements of a token and %d of an item at most: %w", f, maxDim, maxMultivector, index.ErrTokens)
	}
	return nil
}

// readTokenFormat reads which tokens a collection keeps. It refuses a collection whose
// multivector is another one than its metadata say.
func readTokenFormat(info *api.CollectionInfo, collection string) (index.TokenFormat, error) {
	fields := recorded(info)["tokens"].GetStructValue().GetFields()
	f := index.TokenFormat{
		Kind:  index.TokenKind(fields["kind"].GetStringValue()),
		Count: int(fields["count"].GetIntegerValue()), Dim: int(fields["dim"].GetIntegerValue()),
	}
	if !f.Kept() {
		return f, nil
	}
	if err := checkTokens(f); err != nil {
		return f, fmt.Errorf("qdrant: metadata of collection %s: %w", collection, err)
	}
	found, want := info.GetConfig().GetParams().GetVectorsConfig().GetParamsMap().GetMap()[tokenVector], tokenParams(f)
	if found.GetMultivectorConfig() == nil || found.GetSize() != want.GetSize() || found.GetDatatype() != want.GetDatatype() || found.GetDistance() != want.GetDistance() {
		return f, fmt.Errorf("qdrant: collection %s says that it keeps %s, wanted multivectors named %q of %d elements as %v: %w",
			collection, f, tokenVector, want.GetSize(), want.GetDatatype(), index.ErrTokens)
	}
	return f, nil
}

// recordTokens is the format of tokens as the metadata of a collection have it.
func recordTokens(f index.TokenFormat) *api.Value {
	return api.NewValueFromFields(map[string]*api.Value{
		"kind": api.NewValueString(string(f.Kind)), "count": api.NewValueInt(int64(f.Count)), "dim": api.NewValueInt(int64(f.Dim)),
	})
}

// encodeTokens returns stored tokens (see index.TokenFormat) as a multivector, whose
// elements the server keeps without loss: numbers that float16 has, or bytes.
func encodeTokens(f index.TokenFormat, stored []byte) (*api.Vector, error) {
	if len(stored) != f.Size() {
		return nil, fmt.Errorf("%d bytes of tokens, the collection keeps %d of each item: %w", len(stored), f.Size(), index.ErrTokens)
	}
	width := tokenWidth(f)
	elements := make([]float32, f.Count*width)
	if f.Kind == index.TokensInt8 {
		scales, codes := stored[:4*f.Count], stored[4*f.Count:]
		for t := range f.Count {
			row := elements[t*width:][:width]
			for i, b := range scales[4*t:][:4] {
				row[i] = float32(b)
			}
			for i, b := range codes[t*f.Dim:][:f.Dim] {
				row[4+i] = float32(b)
			}
		}
	} else {
		half.Float32s(elements, stored)
		if i := slices.IndexFunc(elements, func(x float32) bool { return x-x != 0 }); i >= 0 {
			return nil, fmt.Errorf("element %d of the tokens is %v, wanted a finite number: %w", i, elements[i], index.ErrTokens)
		}
	}
	return api.NewVectorMulti(slices.Collect(slices.Chunk(elements, width))), nil
}

// decodeTokens returns the tokens of a point as they were stored, nil where it has
// none.
func decodeTokens(f index.TokenFormat, p *api.RetrievedPoint) ([]byte, error) {
	vectors := p.GetVectors().GetVectors().GetVectors()[tokenVector].GetMultiDense().GetVectors()
	if len(vectors) == 0 {
		return nil, nil
	}
	width := tokenWidth(f)
	other := slices.IndexFunc(vectors, func(v *api.DenseVector) bool { return len(v.GetData()) != width })
	if len(vectors) != f.Count || other >= 0 {
		return nil, fmt.Errorf("qdrant: item %d has %d tokens, the collection keeps %s: %w", p.GetId().GetNum(), len(vectors), f, index.ErrTokens)
	}
	stored := make([]byte, 0, f.Size())
	if f.Kind == index.TokensFloat16 {
		for _, v := range vectors {
			for _, x := range v.GetData() {
				stored = binary.LittleEndian.AppendUint16(stored, half.Bits(x))
			}
		}
		return stored, nil
	}
	for _, part := range [][2]int{{0, 4}, {4, width}} { // all scales, then all codes
		for _, v := range vectors {
			for _, x := range v.GetData()[part[0]:part[1]] {
				stored = append(stored, byte(x))
			}
		}
	}
	return stored, nil
}

// Tokens implements index.TokenStore. Tokens travel as float32 elements, twice or four
// times their stored size.
func (s *Store) Tokens(ctx context.Context, ids []index.ID) ([][]byte, error) {
	release, err := s.reading(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	f := s.config.tokens
	if !f.Kept() {
		return nil, fmt.Errorf("collection %s at %s keeps no tokens: %w", s.opts.Collection, s.addr, index.ErrTokens)
	}
	rows := make(map[index.ID][]int, len(ids))
	for i, id := range ids {
		rows[id] = append(rows[id], i)
	}
	tokens := make([][]byte, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(streams)
	for part := range slices.Chunk(pointIDs(ids), max(1, tokenReply/(4*f.Count*tokenWidth(f)))) {
		group.Go(func() error {
			points, err := s.retrieve(ctx, part, parts{tokens: true})
			if err != nil {
				return err
			}
			for _, p := range points {
				stored, err := decodeTokens(f, p)
				if err != nil {
					return err
				}
				for _, i := range rows[index.ID(p.GetId().GetNum())] { // of no other part
					tokens[i] = stored
				}
			}
			return nil
		})
	}
	return tokens, group.Wait()
}
