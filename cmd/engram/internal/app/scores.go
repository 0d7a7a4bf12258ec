package app

import (
	"engram/embed/eval"
	"engram/embed/pixels"
	"engram/embed/scan"

	"gonum.org/v1/gonum/mat"
)

// Scores are what decoders reach, and what they could reach at best.
type Scores struct {
	Scans string `json:"scans,omitempty"` // what was read of MindEye's data, in a line
	Matched
	Scores []Score `json:"scores"`
	Images int     `json:"images"` // that were seen in the scans
	// CrossValidated says that presets were cross-validated: the candidates of a scan are
	// the images that its own fold holds out, where nothing else is said.
	CrossValidated bool   `json:"cross_validated,omitempty"`
	Gallery        string `json:"gallery_index,omitempty"` // what was found of the images seen in the index, in a line
	// Galleries are scores of image retrieval, where an image is predicted from the
	// mean of some of its trials, and chosen among so many images.
	Galleries []GalleryScore `json:"galleries"`
	// Sets are scores of one prediction for each image: among all images that were seen,
	// and of subsets, among all and among their own.
	Sets []SetScore `json:"sets"`
	// Reliability says how well each decoder knows when its first image is right.
	Reliability []ReliabilityScore `json:"reliability"`
	// Paired compares every two decoders on the same images.
	Paired []PairedScore `json:"paired,omitempty"`
	// Published are scores by the published protocol, where there are enough images.
	Published []PublishedScore `json:"published,omitempty"`
	// Ceiling is nil where it cannot be known, for the reason in NoCeiling.
	Ceiling   *eval.Ceiling `json:"noise_ceiling"`
	NoCeiling string        `json:"no_noise_ceiling,omitempty"`
	// Examples are scans with what was found, and Pictures their images by number, where
	// the data have pictures.
	Examples []Example             `json:"examples,omitempty"`
	Pictures map[int]*pixels.Image `json:"-"`
}

// Score is what a decoder reached with every scan as a prediction of its own.
type Score struct {
	Decoder string `json:"decoder"`
	Trials  int    `json:"trials"`
	Figures
	// AmongTrained are the figures of a cross-validation among all images seen, the images
	// that each fold's decoder was trained on with them, as they are often published. An
	// image that a decoder was trained on can be told by that alone.
	AmongTrained *Figures `json:"among_trained,omitempty"`
	Seconds      float64  `json:"seconds"`
	Metric       string   `json:"metric,omitempty"` // of a trained decoder, see scan.Metric
	Chosen       string   `json:"chosen,omitempty"` // what auto chose, and why
}

// Figures are shares of right answers.
type Figures struct {
	TwoWay    float64 `json:"two_way"`    // chance .5
	ImageTop1 float64 `json:"image_top1"` // chance as below
	ImageTop5 float64 `json:"image_top5"` // chance five times that
	BrainTop1 float64 `json:"brain_top1"`
	Chance    float64 `json:"chance"` // of top 1
}

// GalleryScore is what a decoder reached in a gallery.
type GalleryScore struct {
	Decoder string `json:"decoder"`
	Repeats int    `json:"repeats"` // trials of an image that are averaged, at most
	eval.Gallery
	Set   string `json:"set,omitempty"`   // subset whose scans were ranked; "": all
	Index string `json:"index,omitempty"` // whose images are the candidates; "": the images of the data
	// Ranked says how the search of the index ranked: by the first token, or by all
	// tokens of so many candidates.
	Ranked string `json:"ranked,omitempty"`
	// Stated compares the probability that each search of the index stated, that its first
	// image was seen, with what it found; nil where the decoder states none.
	Stated *eval.Calibration `json:"stated,omitempty"`
}

// AllImages is the Set of all images that were seen.
const AllImages = "all"

// The candidates of a set's predictions.
const (
	AmongAll  = "all"  // images that were seen
	AmongSet  = "set"  // images of the set alone
	AmongFold = "fold" // images that the scan's own fold holds out, of a cross-validation
	// AmongTrained are all images of a cross-validation, the images that each fold's decoder
	// was trained on with them.
	AmongTrained = "all, trained ones too"
)

// SetScore is what a decoder reached on a set of images.
type SetScore struct {
	Decoder    string `json:"decoder"`
	Similarity string `json:"similarity"` // see scan.Similarities
	Repeats    int    `json:"repeats"`
	Set        string `json:"set"`   // AllImages, or the name of a subset
	Among      string `json:"among"` // AmongAll, AmongSet, AmongFold or AmongTrained
	eval.SetScore
}

// ReliabilityScore is how well a decoder knows when its first image is right.
type ReliabilityScore struct {
	Decoder string `json:"decoder"`
	Repeats int    `json:"repeats"`
	eval.Reliability
}

// PairedScore compares two decoders on the same images.
type PairedScore struct {
	FirstDecoder  string `json:"first"`
	SecondDecoder string `json:"second"`
	Repeats       int    `json:"repeats"`
	eval.Paired
	// Adjusted is McNemar's p adjusted for all pairs of decoders at these repeats, by
	// Holm.
	Adjusted float64 `json:"mcnemar_p_holm"`
}

// Example is what was found for a scan.
type Example struct {
	Decoder string       `json:"decoder"`
	Repeats int          `json:"repeats"`
	Seen    string       `json:"seen"`
	Found   []FoundImage `json:"found"` // the first five
	Rank    float64      `json:"rank"`  // of the image seen
	Image   int          `json:"-"`     // that was seen, in Pictures
}

// FoundImage is an image that was found.
type FoundImage struct {
	Name  string `json:"name"`
	Image int    `json:"-"` // in Pictures
}

// PublishedScore is what a decoder reached by the published protocol: top 1 of
// 300 images, mean of 30 draws.
type PublishedScore struct {
	Decoder    string `json:"decoder"`
	Repeats    int    `json:"repeats"`
	Similarity string `json:"similarity"`
	Among      string `json:"among"` // AmongSet, the images drawn, or AmongTrained
	eval.Retrieval
}

// newScore computes the figures from the similarity of what was seen in each
// scan, the rows, with what was predicted from each, the columns. images holds the
// image of each scan; candidates are images, each once.
func newScore(name string, sim *mat.Dense, images []int, seconds float64) (Score, error) {
	var rows, seen []int // the first scan of each image, and the image of each scan among them
	place := map[int]int{}
	for scan, image := range images {
		at, known := place[image]
		if !known {
			at = len(rows)
			place[image], rows = at, append(rows, scan)
		}
		seen = append(seen, at)
	}
	candidates := mat.NewDense(len(rows), len(images), nil)
	for i, scan := range rows {
		candidates.SetRow(i, sim.RawRowView(scan))
	}
	found, err := eval.IdentifyTrials(candidates, seen)
	return scoreOf(name, found, seconds), err
}

// scoreOf returns the score of a decoder from its figures.
func scoreOf(name string, found eval.Identification, seconds float64) Score {
	return Score{Decoder: name, Trials: found.Predictions, Seconds: seconds, Figures: Figures{
		TwoWay: found.TwoWay, ImageTop1: found.ImageTop1, ImageTop5: found.ImageTop5, BrainTop1: found.BrainTop1, Chance: found.Chance,
	}}
}

// addCeiling adds the noise ceiling of the scans.
func (out *Scores) addCeiling(data scan.Data) {
	repeats := scan.Repeats(data.Voxels, data.Images)
	if repeats == nil {
		out.NoCeiling = "no image was seen twice"
		return
	}
	ceiling, err := eval.NewCeiling(repeats)
	if err != nil {
		out.NoCeiling = err.Error()
		return
	}
	out.Ceiling = &ceiling
}
