package app

import (
	"context"
	"errors"
	"fmt"

	"engram/cmd/engram/internal/twostage"
	"engram/embed/dataset"
	"engram/index"
)

// prediction is what a decoder makes of a scan.
type prediction struct {
	decoder *Decoder // open until the querier is closed
	tokens  []float32
	repeats int
	unlike  bool // the scan is far from the training trials
}

// decode predicts the tokens of what was seen in a scan.
func (q *querier) decode(ctx context.Context, p Part) (_ *prediction, err error) {
	if q.spec.Decoder == "" {
		return nil, errors.New("a search by scan needs --decoder")
	}
	scans, err := dataset.Recording{Path: p.Value, Mask: q.spec.Mask, Labels: q.spec.Labels}.Open()
	if err != nil {
		return nil, err
	}
	defer scans.Close()
	repeats, err := scans.Rows(p.Rows)
	if err != nil {
		return nil, err
	}
	d, err := q.app.decoderOf(ctx, q.index, q.spec.Decoder, q.spec.AssumeModel, q.watch)
	if err != nil {
		return nil, err
	}
	q.opened = append(q.opened, d)
	compared, err := d.CheckVoxels(scans)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Value, err)
	}
	log := q.app.opts.Logger
	for _, warning := range scans.Warnings {
		log.Warn(warning)
	}
	log.Info(fmt.Sprintf("%s, %d averaged; %s", scans, len(repeats), compared))
	found := &prediction{decoder: d, repeats: len(repeats)}
	if found.tokens, err = d.Predict(ctx, repeats); err != nil {
		return nil, fmt.Errorf("%s: %w", p.Value, err)
	}
	deviation, unlike, err := d.Unlike(repeats)
	if unlike {
		log.Warn(fmt.Sprintf("%s: the voxels lie %.3g standard deviations of the training trials from their mean, wanted about 1: perhaps they are scaled otherwise; no confidence is stated", p.Value, deviation))
	}
	found.unlike = unlike
	return found, err
}

func (q *querier) scanVector(ctx context.Context, p Part) ([]float32, error) {
	found, err := q.decode(ctx, p)
	if err != nil {
		return nil, err
	}
	return found.global()
}

// global returns the vector of the first stage.
func (p *prediction) global() ([]float32, error) { return p.decoder.FirstStage(p.tokens) }

// searchWork bounds the multiplications for mapping all items in one search by hand:
// about two seconds on two processors.
const searchWork = 5e10

// searchByScan searches for a scan by all tokens, or by its vector alone where the
// items have no tokens.
func (q *querier) searchByScan(ctx context.Context) (*Found, error) {
	predicted, err := q.decode(ctx, q.spec.Parts[0])
	if err != nil {
		return nil, err
	}
	searcher, err := q.openRanking(ctx, predicted.decoder, q.index.imagesRoots(q.spec.ImagesRoot))
	if err != nil {
		return nil, err
	}
	return q.find(ctx, searcher, predicted)
}

// find searches for a prediction by all tokens, or by its vector alone where there is
// no searcher, or where none of the items has tokens.
func (q *querier) find(ctx context.Context, searcher *twostage.Searcher, predicted *prediction) (*Found, error) {
	found := &Found{roots: q.index.imagesRoots(q.spec.ImagesRoot), Notes: q.notes, Damage: q.index.Info.Damage}
	if searcher != nil {
		r, err := searcher.Search(ctx, twostage.Query{
			Predicted: predicted.tokens, Global: predicted.global, Repeats: predicted.repeats, Unlike: predicted.unlike,
			K: q.spec.K, Filter: q.spec.Filter, Candidates: q.spec.Candidates, Exact: q.spec.Exact, Recall: q.spec.Recall,
		})
		if err != nil {
			return nil, err
		}
		if r.Candidates > 0 || r.Missing == 0 {
			found.Hits, found.Stages = r.Hits, &r.Stages
			return found, nil
		}
	}
	found.Notes = append(found.Notes, "ranked by the first token alone: the index keeps no tokens (index build --tokens), and the images are not there to make them")
	global, err := predicted.global()
	if err != nil {
		return nil, err
	}
	found.Hits, err = q.index.Search(ctx, index.Query{
		Vector: global, K: q.spec.K, Filter: q.spec.Filter, WithPayload: true, Exact: q.spec.Exact, Recall: q.spec.Recall,
	})
	return found, err
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
