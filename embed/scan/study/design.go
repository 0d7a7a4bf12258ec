package study

import (
	"errors"
	"fmt"
	"slices"

	"engram/embed/scan"
)

// Design says what is compared.
type Design struct {
	Presets []string  `json:"presets"` // with a loss or without, see scan.Losses
	Images  []int     `json:"images"`  // numbers of training images
	Noise   []float64 `json:"noise"`   // standard deviations of a trial's noise, 1 being the data's own
	Seeds   []uint64  `json:"seeds"`
	Test    int       `json:"test"`   // images to identify, among each other
	Epochs  int       `json:"epochs"` // of presets with a network; 0: their own number
	Base    string    `json:"-"`      // preset that differences are taken from
}

// Cell is one combination of a design.
type Cell struct {
	Subject string `json:"-"` // whose data it is; "" where there is one subject

	Noise  float64 `json:"noise"`
	Images int     `json:"images"`
	Seed   uint64  `json:"seed"`
}

// Outcome is what a preset reached in a cell.
type Outcome struct {
	Preset  string  `json:"preset"`
	Decoder string  `json:"decoder"`          // preset that auto chose, or else Preset
	Chosen  string  `json:"chosen,omitempty"` // see scan.Config
	Repeats int     `json:"repeats"`          // trials of an image that a scan is the mean of, at most
	Top1    float64 `json:"image_top1"`
	TwoWay  float64 `json:"two_way"`
	// Ranks are the ranks of the seen images, from 1, in the order of the test images.
	// Studies of earlier versions did not keep them.
	Ranks []float64 `json:"ranks,omitempty"`
}

// Done is a cell with its outcomes.
type Done struct {
	Cell
	Outcomes []Outcome `json:"outcomes"`
	Seconds  float64   `json:"seconds"`
}

// cells lists the combinations, small ones first.
func (d *Design) cells() (cells []Cell) {
	for _, images := range slices.Sorted(slices.Values(d.Images)) {
		for _, noise := range d.Noise {
			for _, seed := range d.Seeds {
				cells = append(cells, Cell{Noise: noise, Images: images, Seed: seed})
			}
		}
	}
	return cells
}

// check refuses a design that the data cannot serve, all faults at once.
func (d *Design) check(data scan.Data) error {
	var faults []error
	seen := len(imagesOf(data))
	for _, preset := range append(slices.Clone(d.Presets), d.Base) {
		if preset == "" {
			continue
		}
		if err := scan.CheckPreset(preset); err != nil {
			faults = append(faults, fmt.Errorf("study: %w", err))
		}
	}
	if len(d.Presets) == 0 || len(d.Images) == 0 || len(d.Noise) == 0 || len(d.Seeds) == 0 {
		faults = append(faults, errors.New("study: wanted a preset, a number of images, a level of noise and a seed at least"))
	}
	if d.Base != "" && !slices.Contains(d.Presets, d.Base) {
		faults = append(faults, fmt.Errorf("study: the baseline %s is not among the presets", d.Base))
	}
	if d.Test < 2 {
		faults = append(faults, fmt.Errorf("study: wanted 2 test images at least, found %d", d.Test))
	}
	for _, n := range d.Images {
		if n < 3 || n+d.Test > seen {
			faults = append(faults, fmt.Errorf("study: wanted 3 training images at least and, with %d test images, no more than the %d seen; found %d", d.Test, seen, n))
		}
	}
	for _, noise := range d.Noise {
		if !(noise >= 1) {
			faults = append(faults, fmt.Errorf("study: noise is %v, wanted 1, the data's own, or more", noise))
		}
		if noise > 1 && scan.Repeats(data.Voxels, data.Images) == nil {
			faults = append(faults, errors.New("study: noise above 1 needs images that were seen twice, to know what the noise is like"))
		}
	}
	return errors.Join(faults...)
}

// imagesOf returns the images that have trials, each once, in the order of trials.
func imagesOf(data scan.Data) (images []int) {
	seen := map[int]bool{}
	for _, image := range data.Images {
		if !seen[image] {
			seen[image] = true
			images = append(images, image)
		}
	}
	return images
}
