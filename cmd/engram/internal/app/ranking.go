package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"engram/cmd/engram/internal/twostage"
	"engram/data/progress"
	"engram/data/space"
	"engram/embed/pixels"
	"engram/embed/scan"
	"engram/httpapi"
	"engram/httpapi/pictures"
	"engram/index"
	"engram/index/results"

	"gonum.org/v1/gonum/blas/blas32"
)

// ranking says what searches by scan rank by all tokens with.
type ranking struct {
	index   *Index
	decoder *Decoder
	// images and encoder make tokens that the index does not keep; nil: they are not
	// made.
	images  pictures.Source
	encoder *ImageEncoder
	// most bounds the multiplications for mapping the tokens of all items. Above it a
	// first stage finds candidates.
	most float64
}

// source returns where the tokens of items come from, and whether reading all of them
// costs no model. It is nil where there are none.
func (r ranking) source() (from twostage.Source, cheap bool) {
	c := r.decoder.Config()
	return r.tokensOf(c.T, c.D, r.decoder.Space())
}

// tokensOf is source of t tokens of d elements of a space.
func (r ranking) tokensOf(t, d int, of space.Space) (from twostage.Source, cheap bool) {
	kept, ok := r.index.Store.(index.TokenStore)
	if f := r.index.Info.Tokens; ok && f.Count == t && f.Dim == d {
		return twostage.Kept{Store: kept, Format: f}, true
	}
	if t == 1 {
		return twostage.Vectors{Store: r.index.Store}, true
	}
	if r.images == nil || r.encoder == nil {
		return nil, false
	}
	if m := r.encoder.Model(); m.T != t || m.D != d || !r.encoder.Space().Same(of) {
		return nil, false
	}
	return imagesOf{r.index, r.images, r.encoder}, false
}

// imageCandidates is how many images a search embeds where the index keeps no tokens.
const imageCandidates = 64

// open returns the searcher, nil where the items have no tokens.
func (r ranking) open() (*twostage.Searcher, error) {
	from, cheap := r.source()
	if from == nil {
		return nil, nil
	}
	metric, err := r.decoder.Metric()
	if err != nil {
		return nil, err
	}
	c := r.decoder.Config()
	opts := twostage.Options{Store: r.index.Store, Scorer: metric, Source: from, Elements: c.T * c.D, Dim: r.index.Info.Dim}
	if !cheap {
		opts.Candidates = imageCandidates
		return twostage.New(opts), nil
	}
	work := float64(r.index.Info.Count) * float64(opts.Elements) * float64(max(metric.Dim(), c.Rank))
	if metric.Name() == scan.MetricPearson { // whose coordinates are the tokens
		work = 0
	}
	opts.All = r.index.Info.Engine == "local" && work <= r.most
	return twostage.New(opts), nil
}

// imagesOf opens the images of items and embeds them, for tokens that no index keeps.
type imagesOf struct {
	index   *Index
	images  pictures.Source
	encoder *ImageEncoder
}

// Read implements twostage.Source. An image that is gone or cannot be read has no
// tokens.
func (s imagesOf) Read(ctx context.Context, ids []index.ID, dst blas32.General) ([]bool, error) {
	items, err := s.index.Get(ctx, ids)
	if err != nil {
		return nil, err
	}
	row := make(map[index.ID]int, len(ids))
	for i, id := range ids {
		row[id] = i
	}
	found := make([]bool, len(ids))
	for _, item := range items {
		tokens, err := s.tokens(ctx, item)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil || len(tokens) != dst.Cols {
			continue
		}
		i := row[item.ID]
		found[i] = true
		copy(dst.Data[i*dst.Stride:][:dst.Cols], tokens)
	}
	return found, nil
}

// tokens embeds the image of one item.
func (s imagesOf) tokens(ctx context.Context, item index.Item) (tokens []float32, err error) {
	if !s.images.Names(item.Payload) {
		return nil, fmt.Errorf("item %d has no image here", item.ID)
	}
	image, err := s.images.Open(ctx, item)
	if err != nil {
		return nil, err
	}
	defer image.Content.Close()
	err = pixels.Use(ctx, image.Content, s.encoder.limits, func(img *pixels.Image) error {
		all, err := s.encoder.EncodeTokens(ctx, []*pixels.Image{img})
		if err == nil {
			tokens = all[0].Data
		}
		return err
	})
	return tokens, err
}

// serveWork bounds the multiplications for mapping all items when a server starts:
// about ten seconds on two processors.
const serveWork = 2.5e11

// predictor predicts from several scans, and returns for each what ranks the items by it (see
// httpapi.Decoder).
type predictor func(ctx context.Context, scans [][][]float32) ([]httpapi.ScanRanker, error)

// openRanking returns what a server searches by scan with, nil where the items have
// no tokens.
func (s *Service) openRanking(ctx context.Context, r ranking, watch progress.Func) (predictor, error) {
	searcher, err := r.open()
	if err != nil {
		return nil, err
	}
	if searcher == nil {
		s.note(slog.LevelWarn, "searches by scan use the first token alone: the index keeps no tokens (index build --tokens), and the images are not there to make them")
		return nil, nil
	}
	if err := searcher.Load(ctx, watch); err != nil {
		return nil, err
	}
	return func(ctx context.Context, scans [][][]float32) ([]httpapi.ScanRanker, error) {
		start := time.Now()
		predicted, err := r.decoder.predictAll(ctx, scans)
		if err != nil {
			return nil, err
		}
		took := time.Since(start)
		rankers := make([]httpapi.ScanRanker, len(scans))
		for i, p := range predicted {
			rankers[i] = func(ctx context.Context, q httpapi.ScanQuery) (*httpapi.ScanRanking, error) {
				return rankPredicted(ctx, searcher, p, scans[i], took, q)
			}
		}
		return rankers, nil
	}, nil
}

// rankPredicted ranks by the prediction from a scan, which took so long.
func rankPredicted(ctx context.Context, searcher *twostage.Searcher, p *prediction, repeats [][]float32, took time.Duration, q httpapi.ScanQuery) (*httpapi.ScanRanking, error) {
	start := time.Now()
	ask, err := p.query()
	if err != nil {
		return nil, err
	}
	took += time.Since(start)
	if _, ask.Unlike, err = p.decoder.Unlike(repeats); err != nil {
		return nil, err
	}
	ask.K, ask.Filter, ask.Candidates = q.K, q.Filter, q.Candidates
	ask.Exact, ask.Recall, ask.Explain = q.Exact, q.Recall, q.Explain
	found, err := searcher.Rank(ctx, ask)
	if err != nil {
		return nil, err
	}
	return &httpapi.ScanRanking{Hits: found.Hits, Stages: httpapi.Stages{
		Metric: found.Metric, Candidates: found.Candidates, All: found.All, Missing: found.Missing, Confidence: found.Confidence,
		Decode: took, First: found.First, Tokens: found.Tokens, Rank: found.Rank,
	}}, nil
}

// ScanSearch searches an index by scans as a server does.
type ScanSearch struct {
	Count int // items of the index

	predict predictor
	store   index.Store
	opened  []io.Closer
}

// Search returns the K items that fit a scan, [repeats][voxels], best, and what their scores
// are.
func (s *ScanSearch) Search(ctx context.Context, repeats [][]float32, q httpapi.ScanQuery) (hits []results.Hit, metric string, err error) {
	rankers, err := s.predict(ctx, [][][]float32{repeats})
	if err != nil {
		return nil, "", err
	}
	ranked, err := rankers[0](ctx, q)
	if err != nil {
		return nil, "", err
	}
	r := results.Ranking{Store: s.store, Metric: ranked.Stages.Metric, Ranked: ranked.Hits}
	found, err := results.Search(ctx, r, results.Options{K: q.K})
	if err != nil {
		return nil, "", err
	}
	return found.Hits, r.Metric, nil
}

// OpenScanSearch opens an index that keeps tokens, and a decoder. The caller closes the
// search.
func (a *App) OpenScanSearch(ctx context.Context, name, decoder string, watch progress.Func) (_ *ScanSearch, err error) {
	s := &ScanSearch{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	x, err := a.OpenIndex(ctx, name)
	if err != nil {
		return nil, err
	}
	s.opened, s.Count, s.store = append(s.opened, x), x.Info.Count, x.Store
	d, err := a.decoderOf(ctx, x, decoder, false, watch)
	if err != nil {
		return nil, err
	}
	s.opened = append(s.opened, d)
	s.predict, err = new(Service).openRanking(ctx, ranking{index: x, decoder: d, most: serveWork}, watch)
	if err == nil && s.predict == nil {
		err = fmt.Errorf("%s keeps %s, the decoder %s predicts %d tokens of %d elements: %w", name, x.Info.Tokens, decoder, d.Config().T, d.Config().D, index.ErrTokens)
	}
	return s, err
}

// Close closes decoder and index.
func (s *ScanSearch) Close() error {
	var faults error
	for _, opened := range slices.Backward(s.opened) {
		faults = errors.Join(faults, opened.Close())
	}
	return faults
}
