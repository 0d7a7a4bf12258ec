package app

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"engram/embed/dataset"
	"engram/embed/eval"
	"engram/embed/pixels"

	"gonum.org/v1/gonum/mat"
)

// summary gathers the scores of decoders on one study.
type summary struct {
	*Scores
	study      *study
	sizes      []int // of galleries
	subsets    []subset
	seed       uint64
	similarity string // of galleries, reliability, paired tests and examples
	examples   int    // scans to keep with what was found
	outcomes   []decoderOutcomes
}

// decoderOutcomes are what a decoder reached image by image.
type decoderOutcomes struct {
	decoder string
	repeats int
	seen    []int // the image of each
	eval.Outcomes
}

func newSummary(s *study, sum summary) *summary {
	sum.Scores, sum.study = &Scores{}, s
	return &sum
}

// add adds what a decoder reached.
func (sum *summary) add(ctx context.Context, found *scored) error {
	sum.Scores.Scores = append(sum.Scores.Scores, found.Score)
	sum.Images = len(found.averaged[0].Seen)
	for _, c := range found.averaged {
		if err := sum.addComparison(ctx, found.Decoder, c); err != nil {
			return err
		}
	}
	for _, c := range found.amongTrained {
		outcomes, err := c.Outcomes()
		if err != nil {
			return err
		}
		sum.Sets = append(sum.Sets, SetScore{Decoder: found.Decoder, Similarity: c.Name, Repeats: c.Repeats, Set: AllImages, Among: AmongTrained, SetScore: outcomes.Score(sum.seed)})
		if err := sum.addPublished(ctx, found.Decoder, c, AmongTrained); err != nil {
			return err
		}
	}
	sum.Galleries = append(sum.Galleries, found.served...)
	sum.addExamples(found)
	return nil
}

// addComparison adds what a decoder reached by one similarity from one number of
// repeats.
func (sum *summary) addComparison(ctx context.Context, decoder string, c eval.Comparison) error {
	outcomes, err := c.Outcomes()
	if err != nil {
		return err
	}
	if err := sum.addSets(decoder, c, outcomes); err != nil {
		return err
	}
	if c.Parts == nil {
		if err := sum.addPublished(ctx, decoder, c, AmongSet); err != nil {
			return err
		}
	}
	if c.Name != sum.similarity {
		return nil
	}
	if err := sum.addGalleries(decoder, c); err != nil {
		return err
	}
	reliability, err := outcomes.Reliability(sum.seed)
	if err != nil {
		return err
	}
	sum.Reliability = append(sum.Reliability, ReliabilityScore{decoder, c.Repeats, reliability})
	sum.outcomes = append(sum.outcomes, decoderOutcomes{decoder, c.Repeats, c.Seen, outcomes})
	return nil
}

// addSets adds the scores among all images seen, and of each subset. In a
// cross-validation the images of the scan's own fold take the place of all, and subsets
// have no galleries of their own: a fold holds out a few of their images.
func (sum *summary) addSets(decoder string, c eval.Comparison, outcomes eval.Outcomes) error {
	row := SetScore{Decoder: decoder, Similarity: c.Name, Repeats: c.Repeats, Set: AllImages, Among: AmongAll, SetScore: outcomes.Score(sum.seed)}
	if c.Parts != nil {
		row.Among = AmongFold
	}
	sum.Sets = append(sum.Sets, row)
	for _, s := range sum.subsets {
		var rows []int
		for i, image := range c.Seen {
			if s.images[image] {
				rows = append(rows, i)
			}
		}
		if len(rows) < 2 {
			return fmt.Errorf("subset %s: wanted 2 or more of the images seen, found %d", s.name, len(rows))
		}
		row.Set, row.SetScore = s.name, outcomes.Pick(rows).Score(sum.seed)
		sum.Sets = append(sum.Sets, row)
		if c.Parts != nil {
			continue
		}
		own, err := eval.NewOutcomes(eval.Sub(c.Square(), rows))
		if err != nil {
			return err
		}
		alone := row
		alone.Among, alone.SetScore = AmongSet, own.Score(sum.seed)
		sum.Sets = append(sum.Sets, alone)
	}
	return nil
}

// addPublished adds the score by the published protocol, if there are enough images.
func (sum *summary) addPublished(ctx context.Context, decoder string, c eval.Comparison, among string) error {
	if len(c.Seen) < eval.PublishedGallery {
		return nil
	}
	retrieval, err := eval.Protocol{Seed: sum.seed}.Score(ctx, c.Square())
	if err != nil {
		return err
	}
	sum.Published = append(sum.Published, PublishedScore{decoder, c.Repeats, c.Name, among, retrieval})
	return nil
}

// addGalleries adds the scores of galleries that grow.
func (sum *summary) addGalleries(decoder string, c eval.Comparison) error {
	galleries, err := c.Galleries(sum.sizes, sum.seed)
	if err != nil {
		return err
	}
	for _, g := range galleries {
		sum.Galleries = append(sum.Galleries, GalleryScore{Decoder: decoder, Repeats: c.Repeats, Gallery: g})
	}
	return nil
}

// compare tests every two decoders on the same images.
func (sum *summary) compare() error {
	repeats := map[int][]decoderOutcomes{}
	var order []int
	for _, o := range sum.outcomes {
		if repeats[o.repeats] == nil {
			order = append(order, o.repeats)
		}
		repeats[o.repeats] = append(repeats[o.repeats], o)
	}
	for _, n := range order {
		from := len(sum.Paired)
		var p []float64
		for k, second := range repeats[n] {
			for _, first := range repeats[n][:k] {
				if !slices.Equal(first.seen, second.seen) {
					return fmt.Errorf("paired test: %s and %s predict other images", first.decoder, second.decoder)
				}
				paired, err := eval.Compared(first.Outcomes, second.Outcomes, sum.seed)
				if err != nil {
					return err
				}
				p = append(p, paired.McNemar)
				sum.Paired = append(sum.Paired, PairedScore{FirstDecoder: first.decoder, SecondDecoder: second.decoder, Repeats: n, Paired: paired})
			}
		}
		for k, adjusted := range eval.Holm(p) {
			sum.Paired[from+k].Adjusted = adjusted
		}
	}
	return nil
}

// addExamples keeps what was found for some scans, drawn by the seed: the same for
// every decoder. They are means of as many repeats as there are.
func (sum *summary) addExamples(found *scored) {
	var c eval.Comparison
	for _, averaged := range found.averaged {
		if averaged.Name == sum.similarity {
			c = averaged // the last one averages the most
		}
	}
	drawn := rand.New(rand.NewPCG(sum.seed, 5)).Perm(len(c.Seen))
	for _, j := range drawn[:min(sum.examples, len(drawn))] {
		scores := mat.Col(nil, j, c.Similarity)
		order := c.Candidates(j)
		above := 1.
		for _, i := range order {
			switch right := scores[c.Seen[j]]; {
			case scores[i] > right:
				above++
			case scores[i] == right && i != c.Seen[j]:
				above += .5
			}
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
		e := Example{Decoder: found.Decoder, Repeats: c.Repeats, Seen: sum.study.imageName(c.Seen[j]), Rank: above, Image: c.Seen[j]}
		for _, i := range order[:min(5, len(order))] {
			e.Found = append(e.Found, FoundImage{Name: sum.study.imageName(i), Image: i})
		}
		sum.Examples = append(sum.Examples, e)
	}
}

// addPictures reads the pictures of the examples. Embeddings without pictures have
// none.
func (sum *summary) addPictures(ctx context.Context, data Dataset) (err error) {
	if len(sum.Examples) == 0 || data.Targets != "" {
		return nil
	}
	var stimuli *dataset.Stimuli
	if sum.study.scans != nil {
		stimuli = sum.study.scans.Stimuli
	} else {
		if stimuli, err = dataset.OpenStimuli(data.Stimuli); err != nil {
			return err
		}
		defer closeInto(&err, stimuli)
	}
	sum.Pictures = map[int]*pixels.Image{}
	for _, e := range sum.Examples {
		for _, f := range append([]FoundImage{{Image: e.Image}}, e.Found...) {
			if sum.Pictures[f.Image] != nil {
				continue
			}
			if sum.Pictures[f.Image], err = stimuli.Read(ctx, f.Image); err != nil {
				return err
			}
		}
	}
	return nil
}
