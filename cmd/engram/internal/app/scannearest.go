package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"engram/cmd/engram/internal/twostage"
	"engram/embed/pixels"
	"engram/index"
	"engram/index/results"
	"engram/index/source"

	"gonum.org/v1/gonum/blas/blas32"
)

// nearestSearch finds the image of an index that fits a scan best, by the code of a search by
// scan: all tokens of the prediction rank the items, where these have tokens.
type nearestSearch struct {
	index    *Index
	roots    roots              // folders of the images
	images   folders            // the roots that exist, open
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
	s := &nearestSearch{index: x, roots: x.imagesRoots(spec.ImagesRoot)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := x.match(d.Space(), d.Config().D, false); err != nil {
		return nil, fmt.Errorf("decoder %s: %w", spec.Decoder, err)
	}
	opened, err := openFolders(s.roots)
	if s.images = opened; err != nil && (spec.ImagesRoot != "" || !errors.Is(err, fs.ErrNotExist)) {
		return nil, err
	}
	r := ranking{index: x, decoder: d, most: searchWork}
	if from, _ := r.source(); from == nil && len(opened) > 0 {
		r.images, r.encoder = opened, encoder
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
	return s.open(ctx, index.Item{ID: found.Hits[0].ID, Payload: found.Hits[0].Payload}, limits)
}

// open reads the image of an item: of a file, or of a sample of a tar.
func (s *nearestSearch) open(ctx context.Context, item index.Item, limits pixels.Limits) (*retrieved, error) {
	place, named := ImageOf(s.roots.of(item.Payload), item.Payload)
	if !named {
		place = source.NameOf(item)
	}
	img, err := s.decode(ctx, item, place, limits)
	if err != nil {
		return nil, fmt.Errorf("the nearest image, %s of the index %s (--images-root says where its images are now): %w", place, s.index.Name, err)
	}
	return &retrieved{place, img}, nil
}

// decode decodes the image of an item, which is at a place where no folder has it.
func (s *nearestSearch) decode(ctx context.Context, item index.Item, place string, limits pixels.Limits) (_ *pixels.Image, err error) {
	if !s.images.Names(item.Payload) {
		return pixels.DecodeFile(ctx, place, limits)
	}
	file, err := s.images.Open(ctx, item)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, file.Content)
	return pixels.Decode(ctx, file.Content, limits)
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
