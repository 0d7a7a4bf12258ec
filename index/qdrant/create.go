package qdrant

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"engram/data/space"
	"engram/index"

	api "github.com/qdrant/go-client/qdrant"
)

// metadataKey is where the collection's metadata have what the package records.
const metadataKey = "engram"

// indexingThreshold is the size in KB of vectors from which on the server builds
// a graph; the server's own default, which Begin and End of a bulk load switch
// off and on again.
const indexingThreshold = 10_000

// Create makes an empty collection and opens it. fs.ErrExist says that the
// server has one of that name.
func Create(ctx context.Context, opts Options, schema Schema) (*Store, error) {
	opts, err := opts.withDefaults()
	if err == nil {
		err = schema.check()
	}
	if err != nil {
		return nil, err
	}
	srv, err := connect(ctx, opts)
	if err != nil {
		return nil, err
	}
	_, err = once(ctx, srv, "create collection "+opts.Collection, func(ctx context.Context) (bool, error) {
		return true, srv.client.CreateCollection(ctx, schema.request(opts))
	})
	if err != nil {
		_ = srv.client.Close() // the first error counts
		return nil, err
	}
	s, err := open(ctx, srv, opts)
	if err != nil {
		return nil, err
	}
	if err := s.createIndexes(ctx, schema.Indexes); err != nil {
		_ = s.Close() // the first error counts
		return nil, err
	}
	return s, nil
}

// request is the call that makes the collection.
func (s Schema) request(opts Options) *api.CreateCollection {
	vector := &api.VectorParams{
		Size: uint64(s.Dim), Distance: api.Distance_Cosine, OnDisk: new(s.Quantisation != index.Unquantised),
		HnswConfig: &api.HnswConfigDiff{
			M:           new(uint64(cmp.Or(s.M, 16))),
			EfConstruct: new(uint64(cmp.Or(s.EFConstruct, 200))),
		},
	}
	switch cmp.Or(s.Quantisation, index.Int8) {
	case index.Int8:
		vector.QuantizationConfig = api.NewQuantizationScalar(&api.ScalarQuantization{
			Type: api.QuantizationType_Int8, AlwaysRam: new(true),
		})
	case index.Binary:
		vector.QuantizationConfig = api.NewQuantizationBinary(&api.BinaryQuantization{AlwaysRam: new(true)})
	}
	vectors := map[string]*api.VectorParams{opts.Vector: vector}
	if s.Tokens.Kept() {
		vectors[tokenVector] = tokenParams(s.Tokens)
	}
	request := &api.CreateCollection{
		CollectionName:   opts.Collection,
		VectorsConfig:    api.NewVectorsConfigMap(vectors),
		OptimizersConfig: &api.OptimizersConfigDiff{IndexingThreshold: new(uint64(indexingThreshold))},
		OnDiskPayload:    new(true),
		Metadata:         metadata(s.Space, s.Tokens, s.Labels),
	}
	for _, set := range []struct {
		field **uint32
		value int
	}{
		{&request.ShardNumber, s.Shards}, {&request.ReplicationFactor, s.Replicas}, {&request.WriteConsistencyFactor, s.Consistency},
	} {
		if set.value > 0 { // or else the server decides, by the size of the cluster
			*set.field = new(uint32(set.value))
		}
	}
	return request
}

func metadata(of space.Space, tokens index.TokenFormat, labels map[string]string) map[string]*api.Value {
	kept := map[string]*api.Value{}
	for name, label := range labels {
		kept[name] = api.NewValueString(label)
	}
	fields := map[string]*api.Value{
		"bundle": api.NewValueString(of.Fingerprint), "bundle_name": api.NewValueString(of.Name),
		"labels": api.NewValueFromFields(kept),
	}
	if tokens.Kept() {
		fields["tokens"] = recordTokens(tokens)
	}
	return map[string]*api.Value{metadataKey: api.NewValueFromFields(fields)}
}

// config is what the package reads from a collection when it opens it.
type config struct {
	dim          int
	quantisation index.Quantisation
	space        space.Space
	tokens       index.TokenFormat
}

// readConfig refuses a collection that does not answer by cosine similarity of
// the vectors wanted.
func readConfig(info *api.CollectionInfo, opts Options) (config, error) {
	var c config
	vectorsConfig := info.GetConfig().GetParams().GetVectorsConfig()
	vectors := vectorsConfig.GetParamsMap().GetMap()
	vector := vectors[opts.Vector]
	switch {
	case vectorsConfig.GetParams() != nil:
		return c, fmt.Errorf("qdrant: collection %s has one vector without a name, wanted one named %q", opts.Collection, opts.Vector)
	case vector == nil:
		return c, fmt.Errorf("qdrant: collection %s has no vectors named %q, only %q", opts.Collection, opts.Vector, slices.Sorted(maps.Keys(vectors)))
	case vector.GetDistance() != api.Distance_Cosine:
		return c, fmt.Errorf("qdrant: collection %s compares by %v, wanted %v", opts.Collection, vector.GetDistance(), api.Distance_Cosine)
	case vector.GetMultivectorConfig() != nil:
		return c, fmt.Errorf("qdrant: collection %s has several vectors named %q in an item, wanted one", opts.Collection, opts.Vector)
	}
	c.dim, c.quantisation = int(vector.GetSize()), index.Unquantised
	quantisation := vector.GetQuantizationConfig()
	if quantisation == nil {
		quantisation = info.GetConfig().GetQuantizationConfig()
	}
	switch {
	case quantisation.GetBinary() != nil:
		c.quantisation = index.Binary
	case quantisation != nil:
		c.quantisation = index.Int8 // or another, with about as many bytes
	}
	ours := recorded(info)
	c.space = space.Space{Name: ours["bundle_name"].GetStringValue(), Fingerprint: ours["bundle"].GetStringValue()}
	var err error
	c.tokens, err = readTokenFormat(info, opts.Collection)
	return c, err
}

// recorded returns what the package has recorded in the metadata of a
// collection.
func recorded(info *api.CollectionInfo) map[string]*api.Value {
	return info.GetConfig().GetMetadata()[metadataKey].GetStructValue().GetFields()
}

// oversampling returns the option, or what suits the quantisation.
func oversampling(option float64, q index.Quantisation) float64 {
	switch {
	case option > 0:
		return option
	case q == index.Binary:
		return 8
	}
	return 2
}

// fields are the payload indexes of the server for each kind.
var fields = map[index.PayloadKind]struct {
	kind   api.FieldType
	params *api.PayloadIndexParams
}{
	index.Keyword: {api.FieldType_FieldTypeKeyword, nil},
	// Without ranges: as an index of whole numbers it would miss the others.
	index.Integer: {api.FieldType_FieldTypeInteger, api.NewPayloadIndexParamsInt(&api.IntegerIndexParams{Lookup: new(true), Range: new(false)})},
	index.Number:  {api.FieldType_FieldTypeFloat, nil},
	index.Bool:    {api.FieldType_FieldTypeBool, nil},
	index.Words:   {api.FieldType_FieldTypeText, api.NewPayloadIndexParamsText(&api.TextIndexParams{Tokenizer: api.TokenizerType_Word, Lowercase: new(true)})},
}

var _ index.PayloadIndexer = (*Store)(nil)

// IndexPayload implements index.PayloadIndexer. A key has one index: of another kind
// it takes the place of the one that is there.
func (s *Store) IndexPayload(ctx context.Context, keys map[string]index.PayloadKind) error {
	if err := checkIndexes(keys); err != nil {
		return err
	}
	release, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	s.mu.Lock()
	missing := maps.Clone(keys)
	maps.DeleteFunc(missing, func(key string, kind index.PayloadKind) bool { return s.indexed[path(key)] == kind })
	s.mu.Unlock()
	return s.createIndexes(ctx, missing)
}

func (s *Store) createIndexes(ctx context.Context, keys map[string]index.PayloadKind) error {
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if err := s.createIndex(ctx, key, keys[key]); err != nil {
			return err
		}
	}
	return nil
}

// createIndex makes an index of a payload key and waits for it.
func (s *Store) createIndex(ctx context.Context, key string, kind index.PayloadKind) error {
	return s.createIndexAt(ctx, path(key), kind)
}

// createIndexAt is createIndex of a path.
func (s *Store) createIndexAt(ctx context.Context, path string, kind index.PayloadKind) error {
	field := fields[kind]
	result, err := call(ctx, s.server, "index payload "+path, func(ctx context.Context) (*api.UpdateResult, error) {
		return s.client.CreateFieldIndex(ctx, &api.CreateFieldIndexCollection{
			CollectionName: s.opts.Collection, FieldName: path, Wait: new(true),
			FieldType: &field.kind, FieldIndexParams: field.params,
		})
	})
	if err == nil {
		err = s.checkApplied(result, "index payload")
	}
	if err == nil {
		s.mu.Lock()
		s.indexed[path] = kind
		s.mu.Unlock()
	}
	return err
}

// readIndexes returns the payload indexes of a collection by path. Of those for
// texts only one that splits words as package index does is Words.
func readIndexes(info *api.CollectionInfo) map[string]index.PayloadKind {
	indexed := map[string]index.PayloadKind{}
	for path, schema := range info.GetPayloadSchema() {
		switch schema.GetDataType() {
		case api.PayloadSchemaType_Keyword:
			indexed[path] = index.Keyword
		case api.PayloadSchemaType_Integer:
			indexed[path] = ranges
			if params := schema.GetParams().GetIntegerIndexParams(); params.GetLookup() && params.Range != nil && !params.GetRange() {
				indexed[path] = index.Integer
			}
		case api.PayloadSchemaType_Float:
			indexed[path] = index.Number
		case api.PayloadSchemaType_Bool:
			indexed[path] = index.Bool
		case api.PayloadSchemaType_Datetime:
			indexed[path] = ranges
		case api.PayloadSchemaType_Uuid:
			indexed[path] = uuids
		case api.PayloadSchemaType_Text:
			text := schema.GetParams().GetTextIndexParams()
			plain := text.GetTokenizer() == api.TokenizerType_Word && (text.Lowercase == nil || text.GetLowercase()) &&
				text.MinTokenLen == nil && text.MaxTokenLen == nil && text.Stopwords == nil && text.Stemmer == nil && !text.GetAsciiFolding()
			indexed[path] = other
			if plain {
				indexed[path] = index.Words
			}
		default:
			indexed[path] = other
		}
	}
	return indexed
}

var _ index.PayloadIndexed = (*Store)(nil)

// PayloadIndexes implements index.PayloadIndexed, as the server says. How many bytes its
// indexes take up it does not say.
func (s *Store) PayloadIndexes(ctx context.Context) ([]index.PayloadIndex, error) {
	release, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	info, err := s.collection(ctx, s.opts.Collection)
	if err != nil {
		return nil, err
	}
	list := []index.PayloadIndex{}
	for path, kind := range readIndexes(info) {
		schema := info.GetPayloadSchema()[path]
		x := index.PayloadIndex{Key: keyOf(path), Kind: string(kind), Items: int(schema.GetPoints())}
		if !kind.Known() { // filters here do not use it
			x.Kind = strings.ToLower(schema.GetDataType().String())
		}
		list = append(list, x)
	}
	slices.SortFunc(list, func(a, b index.PayloadIndex) int { return strings.Compare(a.Key, b.Key) })
	return list, nil
}

// checkApplied makes an error of a write that the server has taken but not, or
// not yet, applied.
func (s *server) checkApplied(result *api.UpdateResult, what string) error {
	switch status := result.GetStatus(); status {
	case api.UpdateStatus_Completed:
		return nil
	case api.UpdateStatus_WaitTimeout:
		return fmt.Errorf("qdrant: %s: %s has taken it but not applied it in time: %w", what, s.addr, index.ErrUnavailable)
	default:
		return fmt.Errorf("qdrant: %s: %s says %v, wanted %v: %w", what, s.addr, status, api.UpdateStatus_Completed, index.ErrUnavailable)
	}
}
