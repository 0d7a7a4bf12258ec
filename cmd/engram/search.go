package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"engram/cmd/engram/internal/app"
	"engram/cmd/engram/internal/twostage"
	"engram/embed/scan"
	"engram/index"
	"engram/index/results"
	"engram/index/source"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (c *console) searchCommand() *cobra.Command {
	var f searchFlags
	cmd := &cobra.Command{
		Use:   "search [WORDS]",
		Short: "Find the images nearest to words, an image, a scan, a vector or an item",
		Long: "Search prints the items of an index that are nearest to a query by cosine similarity. Words need an\n" +
			"index that was built with the model of a CLIP.\n\n" +
			"A query may have several parts. Each counts by its --weight, which stands behind it; the --minus- flags ask\n" +
			"for less of something. The query is the sum of the parts' unit vectors times their weights.\n\n" +
			"A scan is decoded first; rows of a file of scans are counted from 0, and several rows are the repeats of\n" +
			"one image, which are averaged. All tokens of the prediction rank the items, by the decoder's own metric,\n" +
			"where the index keeps tokens or the images are there.",
		Example: "  engram search \"a dog on a beach\"\n" +
			"  engram search --text \"at night\" --weight .5 --image street.jpg --minus-text people\n" +
			"  engram search --index photos.index --image cat.jpg\n" +
			"  engram search --index photos.index --image cat.jpg --filter '{\"key\":\"captions\",\"text\":\"black sofa\"}'\n" +
			"  engram search --index digits.index --scan voxels.npy --row 12 --decoder decoder -k 5 --json\n" +
			"  engram search --index photos.index --item 1234567890 --paths | xargs open",
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := f.spec(cmd.Flags(), args)
			if err != nil {
				return err
			}
			if spec.Index, err = c.indexOrDefault(spec.Index); err != nil {
				return err
			}
			found, err := show(cmd.Context(), c, c.app().Search, spec)
			if err != nil {
				return err
			}
			f.Results = spec.Results
			c.noteSearch(f, found)
			return c.printHits(f, found)
		},
	}
	f.add(cmd)
	return cmd
}

// add adds the flags.
func (f *searchFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.Index, "index", "", indexHelp)
	f.query.add(flags)
	flags.StringVar(&f.Mask, "mask", "", maskHelp)
	flags.StringVar(&f.Labels, "labels", "", labelsHelp)
	flags.BoolVar(&f.FirstStage, "first-stage", false, "rank by the vector of a scan alone, and not by all tokens")
	flags.IntVar(&f.Candidates, "candidates", 0, "items that the vector of a scan finds and all tokens rank (default all of a small index, else 1,000, or 64 where their images have to be embedded)")
	flags.StringVar(&f.Decoder, "decoder", "", "`folder` of the decoder that turns the scan into a vector")
	flags.StringVar(&f.Model, "model", "", modelOfIndex)
	flags.BoolVar(&f.AssumeModel, "assume-model", false, "take it on trust that this model made the vectors of an index that does not record its model")
	flags.IntVarP(&f.K, "k", "k", 10, "number of results")
	flags.StringVar(&f.filter, "filter", "", "find only images whose payload fits this `JSON` filter (see openapi.yaml)")
	flags.BoolVar(&f.Exact, "exact", false, "compare the query with every item, where the index would search a graph and may miss some")
	flags.Float64Var(&f.Recall, "recall", 0, "share of the exact hits that a search of a graph is to find on average, above 0 and up to 1 (default: as the index has it)")
	f.results.add(flags)
	flags.BoolVar(&f.Explain, "explain", false, "say how the index was searched: by a scan or a walk of a graph, with which effort and estimated recall")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	flags.BoolVar(&f.paths, "paths", false, "print only the paths of images that are there, or else their urls")
	flags.StringVar(&f.ImagesRoot, "images-root", "", "`folder` where the images are now, if they have moved since the index was built")
	cmd.MarkFlagsMutuallyExclusive("json", "paths")
	cmd.MarkFlagsMutuallyExclusive("exact", "recall")
	cmd.MarkFlagsMutuallyExclusive("first-stage", "candidates")
}

// noteSearch says on stderr what the hits do not say.
func (c *console) noteSearch(f searchFlags, found *app.Found) {
	for _, note := range found.Notes {
		fmt.Fprintln(c.stderr, oneLine(note))
	}
	if found.Bounded {
		fmt.Fprintf(c.stderr, "looked at the first %d items of the ranking and at no more\n", max(results.DefaultBound, f.K))
	}
	if f.Results.GroupBy != "" && len(found.Hits) == 0 {
		fmt.Fprintf(c.stderr, "no image that was found has a value under %q\n", f.Results.GroupBy)
	}
	if f.results.after != "" && found.Next != "" && !f.json {
		fmt.Fprintf(c.stderr, "next page: --after %s\n", found.Next)
	}
}

// searchFlags are the flags of search.
type searchFlags struct {
	app.SearchSpec
	query       queryFlags
	results     resultFlags
	filter      string
	json, paths bool
}

// spec returns what the flags and the arguments say.
func (f *searchFlags) spec(flags *pflag.FlagSet, args []string) (spec app.SearchSpec, err error) {
	spec = f.SearchSpec
	if spec.Parts, err = f.query.query(args); err != nil {
		return spec, err
	}
	if spec.Results, err = f.results.options(flags); err != nil {
		return spec, err
	}
	if f.K < 1 {
		return spec, fmt.Errorf("-k is %d, wanted 1 or more", f.K)
	}
	if flags.Changed("recall") && !(f.Recall > 0 && f.Recall <= 1) { // or NaN
		return spec, fmt.Errorf("--recall is %v, wanted a number above 0 and up to 1", f.Recall)
	}
	if f.Candidates < 0 {
		return spec, fmt.Errorf("--candidates is %d, wanted 1 or more", f.Candidates)
	}
	for _, name := range []string{"candidates", "first-stage"} {
		if flags.Changed(name) && (len(spec.Parts) != 1 || spec.Parts[0].Kind != app.PartScan) {
			return spec, fmt.Errorf("--%s is for a query of one scan, whose items are ranked by all tokens", name)
		}
	}
	if f.filter != "" {
		if spec.Filter, err = index.ParseFilter(f.filter); err != nil {
			return spec, fmt.Errorf("--filter: %w", err)
		}
	}
	return spec, nil
}

// printHits prints the results in the form that the flags ask for.
func (c *console) printHits(f searchFlags, found *app.Found) error {
	if f.json {
		list := make([]hit, len(found.Hits))
		for i, h := range found.Hits {
			list[i] = viewHit(found, h)
			list[i].Rank = i + 1
		}
		answer := map[string]any{"hits": list}
		if found.Next != "" {
			answer["next"] = found.Next
		}
		if found.Bounded {
			answer["bounded"] = true
		}
		if found.Stages != nil {
			answer["stages"] = stagesView(found.Stages)
		}
		if found.Search != nil {
			answer["search"] = found.Search
		}
		if found.Damage != "" {
			answer["damage"] = found.Damage
		}
		return c.printJSON(answer)
	}
	if f.paths {
		return c.printPaths(found)
	}
	if err := c.printTable(f.Results, found); err != nil {
		return err
	}
	if found.Search != nil {
		if _, err := fmt.Fprintf(c.stdout, "\n%s\n", searchSentence(found.Search)); err != nil {
			return err
		}
	}
	if found.Stages == nil || found.Stages.Confidence == nil {
		return nil
	}
	_, err := fmt.Fprintf(c.stdout, "\nconfidence %.2f that the first one was seen, if it is among the %d candidates\n", *found.Stages.Confidence, found.Stages.Candidates)
	return err
}

// searchSentence says how the index found the hits.
func searchSentence(e *index.Explanation) string {
	text := "found by a " + string(e.Path)
	switch {
	case e.Path == index.ByServer:
		text = "found by the server"
	case e.Effort > 0:
		text += fmt.Sprintf(" that kept %d of %d items", e.Effort, e.Items)
		if e.Scanned > 0 {
			text += fmt.Sprintf(" and looked at %d others", e.Scanned)
		}
	default:
		text += fmt.Sprintf(" of %d items", e.Scanned)
	}
	if e.Recall != nil {
		text += fmt.Sprintf(", estimated recall %.3f", *e.Recall)
	}
	return text
}

// stages is how a search by scan ranked, as JSON.
type stages struct {
	Metric     string  `json:"metric"`
	Candidates int     `json:"candidates"`
	All        bool    `json:"all"`
	Missing    int     `json:"missing"`
	FirstMS    float64 `json:"first_ms"`
	TokensMS   float64 `json:"tokens_ms"`
	RankMS     float64 `json:"rank_ms"`
	// Confidence is the probability that the first hit was seen, if it is among the
	// candidates; missing where the decoder was not calibrated.
	Confidence *float64 `json:"confidence,omitempty"`
}

func stagesView(s *twostage.Stages) stages {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return stages{s.Metric, s.Candidates, s.All, s.Missing, ms(s.First), ms(s.Tokens), ms(s.Rank), s.Confidence}
}

// scoreName says what scores are: the cosine of vectors, or the metric of a decoder.
func scoreName(s *twostage.Stages) string {
	switch {
	case s == nil:
		return "score"
	case s.Metric == scan.MetricLikelihood:
		return "log likelihood"
	}
	return s.Metric
}

// imageOf is found.ImageOf, "" where there is no image.
func imageOf(found *app.Found, p index.Payload) string {
	place, _ := found.ImageOf(p)
	return place
}

// printPaths prints where the images of the results are, one a line, and warns
// where some are missing.
func (c *console) printPaths(found *app.Found) error {
	paths, gone, err := found.Paths()
	if err != nil {
		return fmt.Errorf("--paths: %w", err)
	}
	if gone > 0 {
		fmt.Fprintf(c.stderr, "left out %d of %d results, whose images are not there (--images-root says where they are now)\n", gone, len(found.Hits))
	}
	for _, path := range paths {
		if _, err := fmt.Fprintln(c.stdout, path); err != nil {
			return err
		}
	}
	return nil
}

// hitName returns what tells a result from the others: the path of its image, its
// tar and key, the address of its image, or the number of its row.
func hitName(h index.Hit) string {
	for _, key := range []string{index.KeyPath, index.KeyImagePath} {
		if path, _ := h.Payload[key].(string); path != "" {
			return path
		}
	}
	if key, _ := h.Payload[index.KeyKey].(string); key == "" {
		if place, ok := app.ImageOf("", h.Payload); ok {
			return place
		}
	}
	return source.NameOf(index.Item{ID: h.ID, Payload: h.Payload})
}

// caption returns what a person reads about an item: its first caption, or the
// names of what is in it.
func caption(p index.Payload) string {
	if captions, _ := p[index.KeyCaptions].([]string); len(captions) > 0 {
		return captions[0]
	}
	for _, key := range []string{index.KeyCaption, "TEXT", "text"} { // LAION-5B writes TEXT
		if text, _ := p[key].(string); text != "" {
			return text
		}
	}
	categories, _ := p[index.KeyCategories].([]string)
	return strings.Join(categories, ", ")
}

// oneLine returns a text as a cell of a table: without line breaks and what a
// terminal would obey.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\ufffd'
		}
		return r
	}, strings.Join(strings.Fields(text), " "))
}
