package eval

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Comparison compares the images that there are to choose among with predictions
// for some of them, one prediction for each image that was seen.
type Comparison struct {
	// Similarity is [m, n]: rows are images, columns are predictions. See Compare.
	Similarity *mat.Dense
	// Seen is, for each prediction, the row of the image that was seen. No image
	// comes twice.
	Seen []int
	// Repeats is how many trials of an image its prediction averages, at most.
	Repeats int
	// Name says which similarity it is; "" where there is only one.
	Name string
	// Parts is, for each prediction, the part of the images that it is compared with: the
	// images that were seen in the predictions of the same part. Only the similarities
	// within parts are set then. nil: each prediction is compared with all images.
	Parts []int
}

// groups returns the predictions of each part, in the order of their first one.
func (c Comparison) groups() (groups [][]int) {
	place := map[int]int{}
	for j := range c.Seen {
		part := 0
		if c.Parts != nil {
			part = c.Parts[j]
		}
		at, known := place[part]
		if !known {
			at = len(groups)
			place[part], groups = at, append(groups, nil)
		}
		groups[at] = append(groups[at], j)
	}
	return groups
}

// Candidates returns the images, rows of Similarity, that prediction j is compared with.
func (c Comparison) Candidates(j int) (images []int) {
	if c.Parts == nil {
		m, _ := c.Similarity.Dims()
		for i := range m {
			images = append(images, i)
		}
		return images
	}
	for other, part := range c.Parts {
		if part == c.Parts[j] {
			images = append(images, c.Seen[other])
		}
	}
	return images
}

// Outcomes returns the outcomes of the predictions among the images that were seen,
// each part on its own. A part has two images at least.
func (c Comparison) Outcomes() (Outcomes, error) {
	square := c.Square()
	if c.Parts == nil {
		return NewOutcomes(square)
	}
	out := newOutcomes(len(c.Seen))
	for _, group := range c.groups() {
		part, err := NewOutcomes(Sub(square, group))
		if err != nil {
			return out, err
		}
		for i, j := range group {
			out.Image[j], out.Brain[j], out.TwoWay[j] = part.Image[i], part.Brain[i], part.TwoWay[i]
			out.Margin[j], out.Candidates[j] = part.Margin[i], part.Candidates[i]
		}
	}
	return out, nil
}

// Square returns the similarity of the images that were seen with all
// predictions, [n, n], the right pairs on its diagonal, as TwoWay, Ranks and
// Protocol take it.
func (c Comparison) Square() *mat.Dense {
	_, n := c.Similarity.Dims()
	square := mat.NewDense(n, n, nil)
	for i, image := range c.Seen {
		square.SetRow(i, c.Similarity.RawRowView(image))
	}
	return square
}

// Gallery is the score of image retrieval from so many images.
type Gallery struct {
	Size   int     `json:"gallery"` // images to choose among, the right one with them
	Top1   Share   `json:"top1"`
	Top5   Share   `json:"top5"`
	Top10  Share   `json:"top10"`
	Chance float64 `json:"chance"` // of top 1
}

// GallerySizes returns the sizes of growing galleries that are usually
// reported, 300, 1,000 and 10,000, as far as there are more images, and the
// number of all images.
func GallerySizes(images int) []int {
	var sizes []int
	for _, size := range []int{300, 1000, 10000} {
		if size < images {
			sizes = append(sizes, size)
		}
	}
	return append(sizes, images)
}

// Galleries scores image retrieval from galleries that grow. sizes ascend, from 1
// to m; the seed decides in which order images join, see Ranks.
func (c Comparison) Galleries(sizes []int, seed uint64) ([]Gallery, error) {
	ranks, err := c.Ranks(sizes, seed)
	if err != nil {
		return nil, err
	}
	galleries := make([]Gallery, len(sizes))
	for s, size := range sizes {
		galleries[s] = NewGallery(size, ranks[s])
	}
	return galleries, nil
}

// NewGallery returns the score of predictions whose right images have the ranks,
// from 1, among size images. There is one rank at least.
func NewGallery(size int, ranks []float64) Gallery {
	top := func(k int) Share { return Wilson(TopK(ranks, k), len(ranks)) }
	return Gallery{Size: size, Top1: top(1), Top5: top(5), Top10: top(10), Chance: 1 / float64(size)}
}

// Ranks returns a row for each size: for each prediction, the rank of the right
// image among so many images, ties as in the function Ranks. The gallery of size s
// is the right image and the first s−1 others in one random order, so that each
// gallery contains the smaller ones. The last size m does not depend on the
// seed. With Parts, m is the size of the smallest part.
func (c Comparison) Ranks(sizes []int, seed uint64) ([][]float64, error) {
	if c.Parts != nil {
		return c.ranksInParts(sizes, seed)
	}
	if err := c.check(sizes); err != nil {
		return nil, err
	}
	images, predictions := c.Similarity.Dims()
	order := rand.New(rand.NewPCG(seed, 0)).Perm(images)
	ranks := make([][]float64, len(sizes))
	for s := range ranks {
		ranks[s] = make([]float64, predictions)
	}
	for j := range predictions {
		for s, r := range c.grow(j, order, sizes) {
			ranks[s][j] = r
		}
	}
	return ranks, nil
}

// ranksInParts is Ranks of each part on its own.
func (c Comparison) ranksInParts(sizes []int, seed uint64) ([][]float64, error) {
	out := make([][]float64, len(sizes))
	for s := range out {
		out[s] = make([]float64, len(c.Seen))
	}
	square := c.Square()
	for _, group := range c.groups() {
		part := Comparison{Similarity: Sub(square, group)}
		for i := range group {
			part.Seen = append(part.Seen, i)
		}
		ranks, err := part.Ranks(sizes, seed)
		if err != nil {
			return nil, err
		}
		for s := range sizes {
			for i, j := range group {
				out[s][j] = ranks[s][i]
			}
		}
	}
	return out, nil
}

// grow returns the rank of prediction j's image for every size.
func (c Comparison) grow(j int, order, sizes []int) []float64 {
	right := c.Similarity.At(c.Seen[j], j)
	ranks := make([]float64, 0, len(sizes))
	size, above, tied := 1, 0, 0
	record := func() {
		for len(ranks) < len(sizes) && sizes[len(ranks)] == size {
			ranks = append(ranks, rank(above, tied))
		}
	}
	record()
	for _, i := range order {
		if len(ranks) == len(sizes) {
			break
		}
		if i == c.Seen[j] {
			continue
		}
		switch s := c.Similarity.At(i, j); {
		case s > right:
			above++
		case s == right:
			tied++
		}
		size++
		record()
	}
	return ranks
}

func (c Comparison) check(sizes []int) error {
	images, predictions := c.Similarity.Dims()
	if len(c.Seen) != predictions {
		return fmt.Errorf("gallery: wanted a right image for each of %d predictions, found %d", predictions, len(c.Seen))
	}
	for j, i := range c.Seen {
		if i < 0 || i >= images {
			return fmt.Errorf("gallery: the right image of prediction %d is %d, of %d images", j, i, images)
		}
	}
	if len(sizes) == 0 || !slices.IsSorted(sizes) || sizes[0] < 1 || sizes[len(sizes)-1] > images {
		return fmt.Errorf("gallery: wanted ascending sizes from 1 to %d, found %v", images, sizes)
	}
	return nil
}
