package app

import (
	"context"
	"errors"
	"fmt"

	"engram/cmd/engram/internal/twostage"
	"engram/embed/dataset"
	"engram/index/results"
)

// decode predicts what was seen in a scan. unlike says that the scan is far from the
// training trials.
func (q *querier) decode(ctx context.Context, p Part) (predicted *prediction, unlike bool, err error) {
	if q.spec.Decoder == "" {
		return nil, false, errors.New("a search by scan needs --decoder")
	}
	scans, err := dataset.Recording{Path: p.Value, Mask: q.spec.Mask, Labels: q.spec.Labels}.Open()
	if err != nil {
		return nil, false, err
	}
	defer scans.Close()
	repeats, err := scans.Rows(p.Rows)
	if err != nil {
		return nil, false, err
	}
	d, err := q.app.decoderOf(ctx, q.index, q.spec.Decoder, q.spec.AssumeModel, q.watch)
	if err != nil {
		return nil, false, err
	}
	q.opened = append(q.opened, d)
	compared, err := d.CheckVoxels(scans)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", p.Value, err)
	}
	log := q.app.opts.Logger
	for _, warning := range scans.Warnings {
		log.Warn(warning)
	}
	log.Info(fmt.Sprintf("%s, %d averaged; %s", scans, len(repeats), compared))
	if predicted, err = d.predict(ctx, repeats); err != nil {
		return nil, false, fmt.Errorf("%s: %w", p.Value, err)
	}
	deviation, unlike, err := d.Unlike(repeats)
	if unlike {
		log.Warn(fmt.Sprintf("%s: the voxels lie %.3g standard deviations of the training trials from their mean, wanted about 1: perhaps they are scaled otherwise; no confidence is stated", p.Value, deviation))
	}
	return predicted, unlike, err
}

func (q *querier) scanVector(ctx context.Context, p Part) ([]float32, error) {
	predicted, _, err := q.decode(ctx, p)
	if err != nil {
		return nil, err
	}
	return predicted.global(ctx)
}

// searchWork bounds the multiplications for mapping all items in one search by hand:
// about two seconds on two processors.
const searchWork = 5e10

// rankByScan ranks by all tokens of a scan's prediction, or by its vector alone where
// the items have no tokens.
func (q *querier) rankByScan(ctx context.Context, found *Found) (results.Ranking, error) {
	predicted, unlike, err := q.decode(ctx, q.spec.Parts[0])
	if err != nil {
		return results.Ranking{}, err
	}
	searcher, err := q.openRanking(ctx, predicted.decoder, q.index.imagesRoots(q.spec.ImagesRoot))
	if err != nil {
		return results.Ranking{}, err
	}
	r, stages, err := q.rankPrediction(ctx, searcher, predicted, unlike)
	if found.Stages = stages; err == nil && stages == nil {
		found.Notes = append(found.Notes, "ranked by the first token alone: the index keeps no tokens (index build --tokens), and the images are not there to make them")
	}
	return r, err
}

// rankPrediction ranks by all tokens of a prediction, or by its vector alone, without
// stages, where there is no searcher or none of the items has tokens.
func (q *querier) rankPrediction(ctx context.Context, searcher *twostage.Searcher, predicted *prediction, unlike bool) (r results.Ranking, stages *twostage.Stages, err error) {
	ask := twostage.Query{Global: predicted.global}
	if searcher != nil {
		if ask, err = predicted.query(); err != nil {
			return r, nil, err
		}
	}
	ask.Unlike, ask.K, ask.Filter, ask.Candidates = unlike, q.spec.K, q.spec.Filter, q.spec.Candidates
	ask.Exact, ask.Recall, ask.Explain = q.spec.Exact, q.spec.Recall, q.explanation
	r = q.ranking()
	stages, err = rankByTokens(ctx, searcher, ask, &r)
	return r, stages, err
}

// rankByTokens fills in a ranking by what a prediction is to a searcher; by its vector alone,
// without stages, where there is no searcher or none of the items has tokens.
func rankByTokens(ctx context.Context, searcher *twostage.Searcher, ask twostage.Query, r *results.Ranking) (_ *twostage.Stages, err error) {
	if searcher != nil {
		ranked, err := searcher.Rank(ctx, ask)
		if err != nil {
			return nil, err
		}
		if ranked.Candidates > 0 || ranked.Missing == 0 {
			r.Metric, r.Ranked = ranked.Metric, ranked.Hits
			return &ranked.Stages, nil
		}
	}
	r.Query.Vector, err = ask.Global(ctx)
	return nil, err
}

// openRanking opens what ranks by all tokens, nil where the items have none.
func (q *querier) openRanking(ctx context.Context, d *Decoder, at roots) (*twostage.Searcher, error) {
	r := ranking{index: q.index, decoder: d, most: searchWork}
	if from, _ := r.source(); from == nil && len(at) > 0 {
		images, err := openFolders(at)
		q.opened = append(q.opened, images)
		if err != nil {
			return nil, nil //nolint:nilerr // the images have moved: the caller says so
		}
		if err := q.openModel(ctx); err != nil {
			return nil, err
		}
		if r.encoder, err = q.app.OpenImageEncoder(ctx, q.model, q.watch); err != nil {
			return nil, err
		}
		q.opened, r.images = append(q.opened, r.encoder), images
	}
	return r.open()
}
