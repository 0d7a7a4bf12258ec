package nifti

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"engram/data/internal/numeric"
)

// Mask is a choice of voxels of a volume.
type Mask struct {
	Shape [3]int // voxels along X, Y and Z
	// Index has the chosen voxels as positions in a volume in C order,
	// ascending.
	Index    []int
	Geometry Geometry // of the mask's image

	// Negative and NaN count the voxels with such values, which are outside.
	Negative, NaN int
	// Fractions says that values between whole numbers are among the chosen ones,
	// as in maps of probabilities.
	Fractions bool
	Trailing  int64 // see Image.Trailing
}

// Labels says which voxels of a mask are chosen. The zero Labels stands for the
// voxels above 0 of a mask that has no more than one label.
type Labels struct {
	All    bool  // every voxel above 0
	Values []int // the voxels with these values
}

// OpenMask reads the mask in the image at path. Voxels above 0 are inside; negative
// ones and NaN are outside, as in NSD's regions, where −1 is not cortex. An image
// of several labels, which are whole numbers above 0, needs a choice of them.
func OpenMask(path string, labels Labels) (*Mask, error) {
	img, err := Open(path)
	if err != nil {
		return nil, err
	}
	mask, err := img.mask(labels)
	if err != nil {
		return nil, fmt.Errorf("nifti: %s: %w", path, err)
	}
	return mask, nil
}

func (img *Image) mask(labels Labels) (*Mask, error) {
	if img.h.volumes != 1 {
		return nil, fmt.Errorf("wanted one volume as mask, found %s", numeric.ShapeString(img.Shape))
	}
	mask := &Mask{Shape: img.h.volume, Geometry: img.Geometry}
	found := counts{}
	err := img.eachVolume(func(volume []float32) bool {
		for i, v := range volume {
			switch {
			case v != v:
				mask.NaN++
			case v < 0:
				mask.Negative++
			case v > 0:
				found.add(v)
				if labels.keep(v) {
					mask.Index = append(mask.Index, i)
				}
			}
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	mask.Fractions, mask.Trailing = found[fraction] > 0, img.Trailing()
	return mask, found.check(labels)
}

// keep reports whether a voxel of a value above 0 is chosen.
func (l Labels) keep(v float32) bool {
	return len(l.Values) == 0 || slices.ContainsFunc(l.Values, func(label int) bool { return float32(label) == v })
}

// counts is how many voxels have a label.
type counts map[int]int

// fraction stands in counts for all values that are no labels.
const fraction = 0

func (c counts) add(v float32) {
	if v == float32(math.Trunc(float64(v))) && v < 1<<24 {
		c[int(v)]++
	} else {
		c[fraction]++
	}
}

// check refuses a choice that the labels do not allow.
func (c counts) check(labels Labels) error {
	for _, label := range labels.Values {
		if c[label] == 0 || label == fraction {
			return fmt.Errorf("no voxel has the label %d, the mask has %s", label, c)
		}
	}
	if c[fraction] == 0 && len(c) > 1 && !labels.All && len(labels.Values) == 0 {
		return fmt.Errorf("the mask has %s; wanted a choice among them (--labels 1,2 or --labels all)", c)
	}
	return nil
}

// String lists the labels with their voxels.
func (c counts) String() string {
	const shown = 20
	var list []string
	for _, label := range slices.Sorted(maps.Keys(c)) {
		switch {
		case len(list) == shown:
			return fmt.Sprintf("%d labels: %s, …", len(c), strings.Join(list, ", "))
		case label == fraction:
			list = append(list, fmt.Sprintf("fractions (%d voxels)", c[label]))
		default:
			list = append(list, fmt.Sprintf("%d (%d voxels)", label, c[label]))
		}
	}
	if len(list) == 0 {
		return "no voxel above 0"
	}
	return "the labels " + strings.Join(list, ", ")
}

// String says in one line what the mask chooses.
func (m *Mask) String() string {
	text := fmt.Sprintf("%d of %d voxels", len(m.Index), m.Shape[0]*m.Shape[1]*m.Shape[2])
	if m.Fractions {
		text += ", all fractions above 0"
	}
	if m.Negative > 0 {
		text += fmt.Sprintf(", %d negative left out", m.Negative)
	}
	if m.NaN > 0 {
		text += fmt.Sprintf(", %d NaN left out", m.NaN)
	}
	return text
}

// Masked returns the voxels of mask in every volume: a row-major matrix
// [NumVolumes, len(mask.Index)]. The mask must have the volumes' shape and lie
// where they lie (see Geometry.Differs).
func (img *Image) Masked(mask *Mask) ([]float32, error) {
	if mask.Shape != img.h.volume {
		return nil, fmt.Errorf("nifti: %sthe volumes are %s, the mask is %s",
			img.name, numeric.ShapeString(img.h.volume[:]), numeric.ShapeString(mask.Shape[:]))
	}
	if different := img.Geometry.Differs(mask.Geometry, mask.Shape); different != "" {
		return nil, fmt.Errorf("nifti: %sthe volumes and the mask do not lie in one place: %s", img.name, different)
	}
	var out []float32
	for volume, err := range img.Volumes() {
		if err != nil {
			return nil, err
		}
		for _, i := range mask.Index {
			out = append(out, volume[i])
		}
	}
	return out, nil
}
