package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"engram/cmd/engram/internal/app"
	"engram/index"
	"engram/index/open"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (c *console) searchCommand() *cobra.Command {
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
			spec, err := f.spec(cmd.Flags())
			if err != nil {
				return err
			}
			found, err := show(cmd.Context(), c, c.app().Search, spec)
			if err != nil {
				return err
			}
			return c.printHits(f, found)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Index, "index", "", "`folder` of the index, or "+open.Form+" (required)")
	flags.StringVar(&f.Image, "image", "", "search with this image `file`")
	flags.StringVar(&f.Vector, "vector", "", "search with a vector of this .npy `file`, [D] or [n, D]")
	flags.StringVar(&f.Scan, "scan", "", "search with a scan of this `file`: .npy [voxels] or [n, voxels], or NIfTI with --mask")
	flags.Uint64Var(&f.item, "item", 0, "search with the item of this `id`, which is left out of the results")
	flags.IntSliceVar(&f.Rows, "row", nil, "`rows` of the scan's or vector's file, from 0; a scan's are averaged")
	flags.StringVar(&f.Mask, "mask", "", maskHelp)
	flags.StringVar(&f.Labels, "labels", "", labelsHelp)
	flags.StringVar(&f.Decoder, "decoder", "", "`folder` of the decoder that turns the scan into a vector")
	flags.StringVar(&f.Bundle, "bundle", "", "`folder` of the model bundle, where it is not at the place that the index remembers")
	flags.BoolVar(&f.AssumeBundle, "assume-bundle", false, "take it on trust that this model made the vectors of an index that does not record its model")
	flags.IntVarP(&f.K, "k", "k", 10, "number of results")
	flags.StringVar(&f.filter, "filter", "", "find only images whose payload fits this `JSON` filter (see openapi.yaml)")
	flags.BoolVar(&f.Exact, "exact", false, "compare the query with every item, where the index would search a graph and may miss some")
	flags.Float64Var(&f.Recall, "recall", 0, "share of the exact hits that a search of a graph is to find on average, above 0 and up to 1 (default: as the index has it)")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	flags.BoolVar(&f.paths, "paths", false, "print the images' paths only")
	_ = cmd.MarkFlagRequired("index") // the flag exists
	cmd.MarkFlagsMutuallyExclusive("json", "paths")
	cmd.MarkFlagsMutuallyExclusive("exact", "recall")
	return cmd
}

// searchFlags are the flags of search.
type searchFlags struct {
	app.SearchSpec
	item        uint64
	filter      string
	json, paths bool
}

// spec returns what the flags say.
func (f *searchFlags) spec(flags *pflag.FlagSet) (spec app.SearchSpec, err error) {
	spec = f.SearchSpec
	if err := wantOne(flags, "image", "vector", "scan", "item"); err != nil {
		return spec, err
	}
	if f.K < 1 {
		return spec, fmt.Errorf("-k is %d, wanted 1 or more", f.K)
	}
	if flags.Changed("recall") && !(f.Recall > 0 && f.Recall <= 1) { // or NaN
		return spec, fmt.Errorf("--recall is %v, wanted a number above 0 and up to 1", f.Recall)
	}
	if flags.Changed("item") {
		id := index.ID(f.item)
		spec.Item = &id
	}
	if f.filter != "" {
		if spec.Filter, err = index.ParseFilter(f.filter); err != nil {
			return spec, fmt.Errorf("--filter: %w", err)
		}
	}
	return spec, nil
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

// printHits prints the results in the form that the flags ask for.
func (c *console) printHits(f searchFlags, found *app.Found) error {
	if f.json {
		list := make([]hit, len(found.Hits))
		for i, h := range found.Hits {
			list[i] = hit{i + 1, strconv.FormatUint(uint64(h.ID), 10), h.Score, imagePath(found.Root, h.Payload), h.Payload}
		}
		return c.printJSON(map[string]any{"hits": list})
	}
	if f.paths {
		for _, h := range found.Hits {
			if _, err := fmt.Fprintln(c.stdout, imagePath(found.Root, h.Payload)); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "rank\tscore\tpath\tcaption")
	for i, h := range found.Hits {
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
