package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"slices"

	"engram/cmd/engram/internal/twostage"
	"engram/data/images"
	"engram/data/progress"
	"engram/embed"
	"engram/embed/eval"
	"engram/embed/scan"
	"engram/index"
	"engram/index/results"
)

// gallery is an index whose images are the candidates of a score.
type gallery struct {
	*Index
	app   *App
	study *study
	// subsets are scored on their own too.
	subsets []subset
	item    []index.ID // for each image seen its item
	found   []bool     // which images seen are in the index
	names   int        // how many were found by their path
	watch   progress.Func
	log     *slog.Logger
}

// sameImage is the least cosine of two embeddings of one image. Formats and versions
// of decoders change the last bits of pixels.
const sameImage = .999

// openGallery opens the index, or indexes the folder of images, and looks for the
// images seen in it.
func (a *App) openGallery(ctx context.Context, spec EvalSpec, s *study, watch progress.Func) (*gallery, error) {
	name := spec.GalleryIndex
	x, err := a.OpenIndex(ctx, name)
	if info, statErr := os.Stat(name); errors.Is(err, index.ErrNotFound) && statErr == nil && info.IsDir() {
		built, buildErr := a.indexIntoCache(ctx, ServeSpec{Images: name, Model: spec.Data.Model}, watch)
		if buildErr != nil {
			return nil, buildErr
		}
		x, err = a.OpenIndex(ctx, built.Index)
	}
	if err != nil {
		return nil, err
	}
	x.Name = name
	g := &gallery{Index: x, app: a, study: s, watch: watch, log: a.opts.Logger}
	if err := x.Info.CheckSpace(s.target()); err != nil {
		return nil, errors.Join(fmt.Errorf("--gallery-index: %w", err), x.Close())
	}
	if err := g.find(ctx); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return g, nil
}

// find looks for the items of the images seen: by their path, where the item's vector
// is the image's, or else by the vector.
func (g *gallery) find(ctx context.Context) error {
	n := g.study.Targets.Rows
	g.item, g.found = make([]index.ID, n), make([]bool, n)
	var unnamed []int         // images that their paths do not find
	var queries []index.Query // for them
	seen := slices.Compact(slices.Sorted(slices.Values(g.study.Images)))
	for _, image := range seen {
		vector := slices.Clone(pick(g.study.Targets, []int{image}).Data[:g.study.D])
		if err := embed.Normalize(vector); err != nil {
			return fmt.Errorf("image %d: %w", image, err)
		}
		if err := g.findByName(ctx, image, vector); err != nil {
			return err
		}
		if !g.found[image] {
			unnamed, queries = append(unnamed, image), append(queries, index.Query{Vector: vector, K: 1, Exact: true})
		}
	}
	hits, err := index.SearchBatch(ctx, g.Store, queries)
	if err != nil {
		return err
	}
	for i, image := range unnamed {
		if len(hits[i]) == 1 && hits[i][0].Score >= sameImage {
			g.item[image], g.found[image] = hits[i][0].ID, true
		}
	}
	return g.report(seen)
}

// report warns of images seen that are not in the index.
func (g *gallery) report(seen []int) error {
	var missing []string
	for _, image := range seen {
		if !g.found[image] {
			missing = append(missing, g.study.imageName(image))
		}
	}
	if found := g.count(); found == 0 {
		return fmt.Errorf("--gallery-index: none of the %d images seen is in the index %s, so that no scan can find its image", len(missing), g.Name)
	}
	if len(missing) > 0 {
		warning := fmt.Sprintf("%d images seen are not in the index %s, and their scans are not ranked there; the first is %s", len(missing), g.Name, missing[0])
		g.study.Warnings = append(g.study.Warnings, warning)
		g.log.Warn(warning)
	}
	return nil
}

// findByName looks for one image by its path.
func (g *gallery) findByName(ctx context.Context, image int, vector embed.Vector) error {
	if g.study.names == nil {
		return nil
	}
	items, err := g.Get(ctx, []index.ID{index.ID(images.ID(g.study.names[image]))})
	if err != nil {
		return err
	}
	if len(items) == 1 && cosine(items[0].Vector, vector) >= sameImage {
		g.item[image], g.found[image] = items[0].ID, true
		g.names++
	}
	return nil
}

// chosen returns the images seen whose items' payloads a filter chooses. It is JSON, see
// index.ParseFilter. Images that are not in the index are not chosen.
func (g *gallery) chosen(ctx context.Context, text string) (map[int]bool, error) {
	filter, err := index.ParseFilter(text)
	if err != nil {
		return nil, err
	}
	if err := filter.Check(); err != nil {
		return nil, err
	}
	var ids []index.ID
	of := map[index.ID][]int{} // images of an item: the same picture may come twice
	for image, found := range g.found {
		if found {
			ids, of[g.item[image]] = append(ids, g.item[image]), append(of[g.item[image]], image)
		}
	}
	items, err := g.Get(ctx, slices.Compact(slices.Sorted(slices.Values(ids))))
	if err != nil {
		return nil, err
	}
	images := map[int]bool{}
	for _, item := range items {
		if filter.Match(item.Payload) {
			for _, image := range of[item.ID] {
				images[image] = true
			}
		}
	}
	return images, nil
}

// cosine returns the inner product of two unit vectors.
func cosine(a, b []float32) (sum float32) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// count returns how many images seen were found.
func (g *gallery) count() (n int) {
	for _, found := range g.found {
		if found {
			n++
		}
	}
	return n
}

// String says in one line what was found of the images seen.
func (g *gallery) String() string {
	seen := len(slices.Compact(slices.Sorted(slices.Values(g.study.Images))))
	return fmt.Sprintf("%s, %d items: %d of %d images seen found, %d by path and %d by their vector", g.Name, g.Info.Count, g.count(), seen, g.names, g.count()-g.names)
}

// galleryHits is how many hits a search in the gallery asks for: the deepest of the
// shares that are reported.
const galleryHits = 10

// score ranks the images of the index by the code that searches for a scan, with its
// stages and defaults, for each number of repeats that a scan averages.
func (g *gallery) score(ctx context.Context, decoder *scan.Decoder, name string, counts []int) (out []GalleryScore, err error) {
	q := &querier{app: g.app, index: g.Index, watch: g.watch, spec: SearchSpec{K: min(galleryHits, g.Info.Count)}}
	defer closeInto(&err, q)
	of := &Decoder{Decoder: decoder}
	searcher, err := q.openRanking(ctx, of, g.imagesRoots(""))
	if err != nil {
		return nil, err
	}
	for _, repeats := range counts {
		means, seen, err := scan.Average(g.study.Voxels, g.study.Images, repeats)
		if err != nil {
			return nil, err
		}
		values, err := of.compared(ctx, means)
		if err != nil {
			return nil, err
		}
		report := g.watch.Stage("searching the gallery", "scans", int64(len(seen)))
		row := GalleryScore{Decoder: name, Repeats: repeats, Index: g.Name}
		var ranks, stated []float64
		var ranked []int // the image of each rank
		for i, image := range seen {
			if !g.found[image] {
				continue
			}
			p := &prediction{decoder: of, values: values.Data[i*values.Stride:][:values.Cols], repeats: repeats}
			r, stages, err := q.rankPrediction(ctx, searcher, p, false)
			if err != nil {
				return nil, err
			}
			found, err := results.Search(ctx, r, results.Options{K: q.spec.K})
			if err != nil {
				return nil, err
			}
			row.Ranked = rankedBy(stages)
			if s := stages; s != nil && s.Confidence != nil {
				stated = append(stated, *s.Confidence)
			}
			ranks, ranked = append(ranks, rankOf(g.item[image], found.Hits)), append(ranked, image)
			report(int64(i+1), int64(len(seen)))
		}
		row.Gallery, row.Stated = eval.NewGallery(g.Info.Count, ranks), statedOf(stated, ranks)
		out = append(append(out, row), g.ofSubsets(row, ranks, ranked)...)
	}
	return out, nil
}

// statedOf compares the probabilities that searches stated with what they found, nil
// where not all of them stated one.
func statedOf(stated, ranks []float64) *eval.Calibration {
	if len(stated) < len(ranks) || len(ranks) == 0 {
		return nil
	}
	hits := make([]bool, len(ranks))
	for i, rank := range ranks {
		hits[i] = rank <= 1
	}
	c := eval.NewCalibration(stated, hits)
	return &c
}

// ofSubsets returns the row for each subset's scans, among all items too. images holds
// the image of each rank. A subset without any has no row.
func (g *gallery) ofSubsets(row GalleryScore, ranks []float64, images []int) (out []GalleryScore) {
	for _, s := range g.subsets {
		var some []float64
		for i, image := range images {
			if s.images[image] {
				some = append(some, ranks[i])
			}
		}
		if len(some) > 0 {
			row.Stated = nil
			row.Set, row.Gallery = s.name, eval.NewGallery(g.Info.Count, some)
			out = append(out, row)
		}
	}
	return out
}

// rankedBy says how a search ranked.
func rankedBy(s *twostage.Stages) string {
	switch {
	case s == nil:
		return "first token"
	case s.All:
		return "all tokens of all items, " + s.Metric
	}
	return fmt.Sprintf("all tokens of %d candidates, %s", s.Candidates, s.Metric)
}

// rankOf returns the rank of an item among hits, the mean of the ranks that equal
// scores share, or infinity where it was not found.
func rankOf(item index.ID, hits []results.Hit) float64 {
	at := slices.IndexFunc(hits, func(h results.Hit) bool { return h.ID == item })
	if at < 0 {
		return math.Inf(1)
	}
	rank := 1.0
	for i, hit := range hits {
		switch {
		case i == at:
		case hit.Score > hits[at].Score:
			rank++
		case hit.Score == hits[at].Score:
			rank += .5
		}
	}
	return rank
}
