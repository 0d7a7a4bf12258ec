package scan

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"engram/embed/eval"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
	"gonum.org/v1/gonum/mat"
)

// The names of the similarities by which reports compare predictions with images.
const (
	// SimilarityDecoder is the metric that the decoder names, by which a search ranks
	// images: see Metric.
	SimilarityDecoder = "decoder"
	// SimilarityPearson is Pearson's r of all tokens, less the mean of the training
	// images' tokens.
	SimilarityPearson = "pearson"
	// SimilarityCosine is the cosine of all tokens, flattened, as MindEye and MindEye2
	// score retrieval.
	SimilarityCosine = "cosine"
	// SimilarityTokens is the mean over tokens of the cosines of single tokens, so that
	// long tokens do not outweigh short ones.
	SimilarityTokens = "token-cosine"
)

// Similarities lists the names of similarities.
func Similarities() []string {
	return []string{SimilarityDecoder, SimilarityPearson, SimilarityCosine, SimilarityTokens}
}

// CheckSimilarity refuses a name that is no similarity's.
func CheckSimilarity(name string) error {
	if slices.Contains(Similarities(), name) {
		return nil
	}
	return fmt.Errorf("similarity %q is not known, wanted one of %s", name, strings.Join(Similarities(), ", "))
}

// Averages says what CompareAverages compares.
type Averages struct {
	Repeats      int      // trials of an image that a scan averages, at most; see Average
	Similarities []string // none stands for SimilarityDecoder
}

// CompareAverages compares all images of the targets with the seen images, each
// predicted by the decoder from a mean scan: one comparison for each similarity.
func CompareAverages(ctx context.Context, decoder *Decoder, data Data, a Averages) ([]eval.Comparison, error) {
	means, seen, err := Average(data.Voxels, data.Images, a.Repeats)
	if err != nil {
		return nil, err
	}
	predicted, err := decoder.Decode(ctx, means)
	if err != nil {
		return nil, err
	}
	var out []eval.Comparison
	for _, name := range a.similarities() {
		c := eval.Comparison{Seen: seen, Repeats: a.Repeats, Name: name}
		if c.Similarity, err = decoder.Compare(ctx, Pairing{name, data.Targets, predicted, a.Repeats}); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func (a Averages) similarities() []string {
	if len(a.Similarities) == 0 {
		return []string{SimilarityDecoder}
	}
	return a.Similarities
}

// Pairing is what Compare compares: images, [m, T·D], with predictions, [n, T·D], each
// from the mean of so many scans, by the similarity of a name.
type Pairing struct {
	Similarity        string
	Images, Predicted blas32.General
	Repeats           int
}

// Compare returns a similarity, [m, n]: rows are images, columns are predictions. Of a
// metric that is a likelihood it returns the logarithm of each image's probability
// given the scan, all images being equally probable beforehand. This leaves the order
// of a scan's images as it is, and makes scans comparable for an image: likelihoods
// alone rank scans by their length too.
func (d *Decoder) Compare(ctx context.Context, p Pairing) (*mat.Dense, error) {
	switch p.Similarity {
	case SimilarityDecoder:
		metric, err := d.Metric()
		if err != nil {
			return nil, err
		}
		sim, err := metric.Compare(ctx, p.Images, p.Predicted, p.Repeats)
		if err == nil && metric.Name() == MetricLikelihood {
			eval.LogPosterior(sim)
		}
		return sim, err
	case SimilarityPearson:
		return eval.Compare(ctx, p.Images, p.Predicted, d.TargetMean())
	case SimilarityCosine:
		return eval.Similarity(ctx, eval.Cosine, p.Images, p.Predicted)
	case SimilarityTokens:
		images, err := eval.UnitTokens(p.Images, d.config.D)
		if err != nil {
			return nil, err
		}
		predicted, err := eval.UnitTokens(p.Predicted, d.config.D)
		if err != nil {
			return nil, err
		}
		return eval.Similarity(ctx, eval.Cosine, images, predicted)
	}
	return nil, CheckSimilarity(p.Similarity)
}

// newAverages returns the empty comparisons of a cross-validation: for each of
// RepeatCounts one of each similarity.
func (d Data) newAverages(similarities []string) (out []eval.Comparison) {
	for _, repeats := range RepeatCounts(d.Images) {
		for _, name := range (Averages{Similarities: similarities}).similarities() {
			c := eval.Comparison{Seen: d.seen(), Repeats: repeats, Name: name}
			c.Similarity = mat.NewDense(d.Targets.Rows, len(c.Seen), nil)
			out = append(out, c)
		}
	}
	return out
}

// average adds the held-out images of a fold to the comparisons.
func (cv *validation) average(ctx context.Context, decoder *Decoder, fold Fold) error {
	part := cv.data
	part.Voxels, part.Images = matrix.Pick(cv.data.Voxels, fold.Test), take(cv.data.Images, fold.Test)
	own := part // among the fold's own images
	_, seen, err := Average(part.Voxels, part.Images, 1)
	if err != nil {
		return err
	}
	own.Targets, own.Images = matrix.Pick(cv.data.Targets, seen), make([]int, len(part.Images))
	for i, image := range part.Images {
		own.Images[i] = slices.Index(seen, image)
	}
	for from := 0; from < len(cv.Averaged); {
		a := Averages{Repeats: cv.Averaged[from].Repeats}
		to := from
		for ; to < len(cv.Averaged) && cv.Averaged[to].Repeats == a.Repeats; to++ {
			a.Similarities = append(a.Similarities, cv.Averaged[to].Name)
		}
		all, err := CompareAverages(ctx, decoder, part, a)
		if err != nil {
			return err
		}
		held, err := CompareAverages(ctx, decoder, own, a)
		if err != nil {
			return err
		}
		for k := range all {
			at := cv.AmongTrained[from+k]
			for i, image := range all[k].Seen {
				column := slices.Index(at.Seen, image)
				at.Similarity.SetCol(column, mat.Col(nil, i, all[k].Similarity))
				for row, other := range seen {
					cv.Averaged[from+k].Similarity.Set(other, column, held[k].Similarity.At(row, i))
				}
			}
		}
		from = to
	}
	return nil
}
