package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"engram/cmd/engram/internal/app"
	"engram/embed/bundle"
	"engram/embed/dataset"
	"engram/index"
	"engram/index/source"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (a *console) searchCommand() *cobra.Command {
	var f searchFlags
	cmd := &cobra.Command{
		Use:   "search",
		Short: "Find the images nearest to an image, a scan, a vector or an item",
		Long: "Search prints the items of an index that are nearest to a query by cosine similarity.\n" +
			"A scan is decoded first; rows of a file of scans are counted from 0, and several rows are the\n" +
			"repeats of one image, which are averaged.",
		Example: "  engram search --index photos.index --image cat.jpg\n" +
			"  engram search --index photos.index --image cat.jpg --filter '{\"key\":\"captions\",\"text\":\"black sofa\"}'\n" +
			"  engram search --index digits.index --scan voxels.npy --row 12 --decoder decoder -k 5 --json\n" +
			"  engram search --index photos.index --item 1234567890 --paths | xargs open",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := wantOne(cmd.Flags(), "image", "vector", "scan", "item"); err != nil {
				return err
			}
			return a.search(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.index, "index", "", "`folder` of the index, or "+collectionForm+" (required)")
	flags.StringVar(&f.image, "image", "", "search with this image `file`")
	flags.StringVar(&f.vector, "vector", "", "search with a vector of this .npy `file`, [D] or [n, D]")
	flags.StringVar(&f.scan, "scan", "", "search with a scan of this `file`: .npy [voxels] or [n, voxels], or NIfTI with --mask")
	flags.Uint64Var(&f.item, "item", 0, "search with the item of this `id`, which is left out of the results")
	flags.IntSliceVar(&f.rows, "row", nil, "`rows` of the scan's or vector's file, from 0; those of a scan are averaged")
	flags.StringVar(&f.mask, "mask", "", "NIfTI `file` whose voxels that are not zero are the scan's")
	flags.StringVar(&f.decoder, "decoder", "", "`folder` of the decoder that turns the scan into a vector")
	flags.StringVar(&f.bundle, "bundle", "", "`folder` of the model bundle, where it is not at the place that the index remembers")
	flags.IntVarP(&f.k, "k", "k", 10, "number of results")
	flags.StringVar(&f.filter, "filter", "", "find only images whose payload fits this `JSON` filter (see openapi.yaml)")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	flags.BoolVar(&f.paths, "paths", false, "print the images' paths only")
	_ = cmd.MarkFlagRequired("index") // the flag exists
	cmd.MarkFlagsMutuallyExclusive("json", "paths")
	return cmd
}

// wantOne refuses a command line that has not exactly one of these flags.
func wantOne(flags *pflag.FlagSet, names ...string) error {
	set := 0
	for _, name := range names {
		if flags.Changed(name) {
			set++
		}
	}
	if set != 1 {
		return fmt.Errorf("wanted one of --%s, found %d of them", strings.Join(names, ", --"), set)
	}
	return nil
}

// searchFlags are the flags of search, of which one is the query.
type searchFlags struct {
	index, bundle, decoder, mask string
	image, vector, scan, filter  string
	item                         uint64
	rows                         []int
	k                            int
	json, paths                  bool
}

// hit is one result as JSON. Ids are decimal strings, because many programs'
// numbers end at 2^53.
type hit struct {
	Rank    int           `json:"rank"`
	ID      string        `json:"id"`
	Score   float32       `json:"score"`
	Path    string        `json:"path"` // absolute, where the index remembers its folder
	Payload index.Payload `json:"payload"`
}

func (a *console) search(ctx context.Context, f searchFlags) (err error) {
	if f.k < 1 {
		return fmt.Errorf("-k is %d, wanted 1 or more", f.k)
	}
	store, origin, err := a.openIndex(ctx, f.index)
	if err != nil {
		return err
	}
	defer closeInto(&err, store)
	s := searcher{console: a, store: store, origin: origin}
	if s.info, err = store.Info(ctx); err != nil {
		return err
	}
	hits, err := s.find(ctx, f)
	if err != nil {
		return err
	}
	return a.printHits(f, origin.Root, hits)
}

// searcher asks one index.
type searcher struct {
	*console
	store  index.Store
	origin source.Origin
	info   index.Info
}

// find returns the hits of the query that the flags hold.
func (s searcher) find(ctx context.Context, f searchFlags) ([]index.Hit, error) {
	query := index.Query{K: f.k, WithPayload: true}
	var err error
	if f.filter != "" {
		if query.Filter, err = index.ParseFilter(f.filter); err != nil {
			return nil, fmt.Errorf("--filter: %w", err)
		}
	}
	switch {
	case f.image != "":
		query.Vector, err = s.imageVector(ctx, f)
	case f.scan != "":
		query.Vector, err = s.scanVector(ctx, f)
	case f.vector != "":
		query.Vector, err = s.fileVector(f)
	default:
		return s.findItem(ctx, index.ID(f.item), query)
	}
	if err != nil {
		return nil, err
	}
	return s.store.Search(ctx, query)
}

// findItem searches with an item, which would be its own nearest, and so is
// left out.
func (s searcher) findItem(ctx context.Context, id index.ID, query index.Query) ([]index.Hit, error) {
	items, err := s.store.Get(ctx, []index.ID{id})
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, fmt.Errorf("the index has no item %d", id)
	}
	k := query.K
	query.Vector, query.K = items[0].Vector, k+1
	hits, err := s.store.Search(ctx, query)
	if err != nil {
		return nil, err
	}
	others := hits[:0]
	for _, hit := range hits {
		if hit.ID != id {
			others = append(others, hit)
		}
	}
	return others[:min(k, len(others))], nil
}

// bundle opens the bundle of the index, by flag or where the index remembers
// it, and refuses another one.
func (s searcher) bundle(flag string) (*bundle.Bundle, error) {
	dir := flag
	if dir == "" {
		dir = s.origin.Bundle
	}
	if dir == "" {
		return nil, errors.New("the index does not say where its model bundle is, name it with --bundle")
	}
	b, err := s.openBundle(dir)
	if err != nil {
		return nil, err
	}
	return b, s.info.CheckSpace(app.SpaceOf(b))
}

func (s searcher) imageVector(ctx context.Context, f searchFlags) (_ []float32, err error) {
	file, err := os.Open(f.image)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := s.bundle(f.bundle)
	if err != nil {
		return nil, err
	}
	m, err := s.openModel(ctx, b)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, m)
	vector, err := m.Embed(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.image, err)
	}
	return vector, nil
}

func (s searcher) fileVector(f searchFlags) ([]float32, error) {
	rows, err := dataset.Rows(f.vector, "", f.rows)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 {
		return nil, fmt.Errorf("--row names %d rows, a search by vector takes one", len(rows))
	}
	if len(rows[0]) != s.info.Dim {
		return nil, fmt.Errorf("%s: the vector has %d elements, the index %d: %w", f.vector, len(rows[0]), s.info.Dim, index.ErrDimension)
	}
	return rows[0], nil
}

func (s searcher) scanVector(ctx context.Context, f searchFlags) (_ []float32, err error) {
	if f.decoder == "" {
		return nil, errors.New("a search by scan needs --decoder")
	}
	rows, err := dataset.Rows(f.scan, f.mask, f.rows)
	if err != nil {
		return nil, err
	}
	d, err := s.app().OpenDecoder(ctx, f.decoder, nil)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, d)
	if err := s.info.CheckSpace(d.Space()); err != nil {
		return nil, fmt.Errorf("decoder %s: %w", f.decoder, err)
	}
	vector, err := d.Query(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.scan, err)
	}
	return vector, nil
}

// printHits prints the results in the form that the flags ask for.
func (a *console) printHits(f searchFlags, root string, hits []index.Hit) error {
	if f.json {
		list := make([]hit, len(hits))
		for i, h := range hits {
			list[i] = hit{i + 1, strconv.FormatUint(uint64(h.ID), 10), h.Score, imagePath(root, h.Payload), h.Payload}
		}
		return a.printJSON(map[string]any{"hits": list})
	}
	if f.paths {
		for _, h := range hits {
			if _, err := fmt.Fprintln(a.stdout, imagePath(root, h.Payload)); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "rank\tscore\tpath\tcaption")
	for i, h := range hits {
		fmt.Fprintf(table, "%d\t%.4f\t%v\t%s\n", i+1, h.Score, h.Payload[index.KeyPath], caption(h.Payload))
	}
	return table.Flush()
}

// imagePath returns the path of an item's image, absolute where root is known.
func imagePath(root string, p index.Payload) string {
	path, _ := p[index.KeyPath].(string)
	return filepath.Join(root, filepath.FromSlash(path))
}

// caption returns one line about an item: its first caption, or the names of
// what is in it.
func caption(p index.Payload) string {
	if captions, _ := p[index.KeyCaptions].([]string); len(captions) > 0 {
		return strings.Join(strings.Fields(captions[0]), " ")
	}
	categories, _ := p[index.KeyCategories].([]string)
	return strings.Join(categories, ", ")
}
