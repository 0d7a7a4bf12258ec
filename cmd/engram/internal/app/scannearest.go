package app

import (
	"context"
	"errors"
	"fmt"

	"engram/cmd/engram/internal/twostage"
	"engram/embed/pixels"
	"engram/index/results"

	"gonum.org/v1/gonum/blas/blas32"
)

// nearestSearch finds the image of an index that fits a scan best, by the code of a search by
// scan: all tokens of the prediction rank the items, where these have tokens.
type nearestSearch struct {
	index    *Index
	images   folders            // of items without tokens, nil where the index keeps them
	searcher *twostage.Searcher // nil: the vector of a prediction ranks alone
	metric   string             // that the searcher ranks by
	asked    []twostage.Query   // of each scan
}

// openNearest opens the index of a spec for the predictions of a decoder. encoder makes the
// tokens that the index does not keep.
func (a *App) openNearest(ctx context.Context, spec ReconstructionsSpec, encoder *ImageEncoder, d *Decoder) (_ *nearestSearch, err error) {
	x, err := a.OpenIndex(ctx, spec.Index)
	if err != nil {
		return nil, err
	}
	s := &nearestSearch{index: x}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := x.match(d.Space(), d.Config().D, false); err != nil {
		return nil, fmt.Errorf("decoder %s: %w", spec.Decoder, err)
	}
	r := ranking{index: x, decoder: d, most: searchWork}
	if from, _ := r.source(); from == nil {
		images, err := openFolders(x.imagesRoots(""))
		if s.images = images; err == nil && len(images) > 0 {
			r.images, r.encoder = images, encoder
		}
	}
	if s.searcher, err = r.open(); err != nil {
		return nil, err
	}
	if s.searcher != nil {
		metric, err := d.Metric()
		if err != nil {
			return nil, err
		}
		s.metric = metric.Name()
	} else {
		a.opts.Logger.Warn("the nearest images are found by the first token alone: the index keeps no tokens (index build --tokens), and the images are not there to make them")
	}
	return s, nil
}

// Close closes the index.
func (s *nearestSearch) Close() error {
	if s == nil {
		return nil
	}
	return errors.Join(s.images.Close(), s.index.Close())
}

// add decodes what the search asks for: scans, [n, V], each the mean of some repeats.
func (s *nearestSearch) add(ctx context.Context, d *Decoder, means blas32.General, repeats []int) error {
	values, err := d.compared(ctx, means)
	if err != nil {
		return err
	}
	for i := range values.Rows {
		p := &prediction{decoder: d, values: values.Data[i*values.Stride:][:values.Cols], repeats: repeats[i]}
		vector, err := p.global(ctx)
		if err != nil {
			return err
		}
		var ask twostage.Query
		if s.searcher != nil {
			if ask, err = p.query(); err != nil {
				return err
			}
		}
		ask.K, ask.Global = 1, func(context.Context) ([]float32, error) { return vector, nil } // the decoder is closed before the search
		s.asked = append(s.asked, ask)
	}
	return nil
}

// retrieved is the item of an index that is nearest to a scan.
type retrieved struct {
	path  string
	image *pixels.Image
}

// of finds the item for a scan.
func (s *nearestSearch) of(ctx context.Context, scan int, limits pixels.Limits) (*retrieved, error) {
	r := results.Ranking{Store: s.index.Store}
	if _, err := rankByTokens(ctx, s.searcher, s.asked[scan], &r); err != nil {
		return nil, err
	}
	found, err := results.Search(ctx, r, results.Options{K: 1})
	if err != nil {
		return nil, err
	}
	if len(found.Hits) == 0 {
		return nil, fmt.Errorf("the index %s has no items", s.index.Name)
	}
	hit := found.Hits[0]
	path, ok := ImageOf(s.index.imagesRoots("").of(hit.Payload), hit.Payload)
	if !ok {
		return nil, fmt.Errorf("the index %s does not tell where the image of item %d is", s.index.Name, hit.ID)
	}
	img, err := pixels.DecodeFile(ctx, path, limits)
	if err != nil {
		return nil, fmt.Errorf("nearest image: %w", err)
	}
	return &retrieved{path, img}, nil
}

// nearest returns the nearest item for each scan of a group, nil without an index.
func (j *reconstructing) nearest(ctx context.Context, group []int) ([]*retrieved, error) {
	if j.set.nearest == nil {
		return nil, nil
	}
	out := make([]*retrieved, len(group))
	for k, i := range group {
		var err error
		if out[k], err = j.set.nearest.of(ctx, i, j.limits); err != nil {
			return nil, err
		}
	}
	return out, nil
}
