package dataset

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"engram/data/nifti"
	"engram/data/pattern"
	"engram/data/table"
	"engram/embed/glassbrain"
	"engram/embed/voxels"
)

// Anatomy names the files that say where voxels lie.
type Anatomy struct {
	Mask, Labels string // as of a Recording
	// Regions is a table with a line for each voxel of the mask in its order, whose column
	// area or region names what the voxel belongs to, or a NIfTI image of whole numbers in
	// the place of the mask, one for each region; "": no regions are known.
	Regions string
}

// Open reads the places of the voxels, and which voxels they are.
func (a Anatomy) Open() (*glassbrain.Brain, voxels.Order, error) {
	labels, err := parseLabels(a.Labels)
	if err != nil {
		return nil, voxels.Order{}, err
	}
	mask, err := nifti.OpenMask(a.Mask, labels)
	if err != nil {
		return nil, voxels.Order{}, err
	}
	names, err := a.regionNames(mask)
	if err != nil {
		return nil, voxels.Order{}, err
	}
	var regions []glassbrain.Region
	numbers := map[string]int{}
	for voxel, name := range names {
		if name == "" {
			continue
		}
		number, known := numbers[name]
		if !known {
			number = len(regions)
			numbers[name], regions = number, append(regions, glassbrain.Region{Name: name})
		}
		regions[number].Voxels = append(regions[number].Voxels, voxel)
	}
	slices.SortFunc(regions, func(a, b glassbrain.Region) int { return pattern.Compare(a.Name, b.Name) })
	brain, err := glassbrain.New(mask, regions)
	return brain, voxels.OfMask(mask), err
}

// regionNames returns the name of each voxel's region, "" for none.
func (a Anatomy) regionNames(mask *nifti.Mask) ([]string, error) {
	if a.Regions == "" {
		return nil, nil
	}
	if isNIfTI(a.Regions) {
		return a.labelNames(mask)
	}
	t, err := table.Read(a.Regions)
	if err != nil {
		return nil, err
	}
	column, err := t.Column("area")
	if err != nil {
		other, otherErr := t.Column("region")
		if otherErr != nil {
			return nil, errors.Join(err, otherErr)
		}
		column = other
	}
	if len(column.Values) != len(mask.Index) {
		return nil, fmt.Errorf("%s has %d lines, wanted one for each of the mask's %d voxels", a.Regions, len(column.Values), len(mask.Index))
	}
	for i, name := range column.Values {
		if table.Missing(name) {
			column.Values[i] = ""
		}
	}
	return column.Values, nil
}

// labelNames returns the label of each voxel in an image of labels.
func (a Anatomy) labelNames(mask *nifti.Mask) ([]string, error) {
	img, err := nifti.Open(a.Regions)
	if err != nil {
		return nil, err
	}
	if img.NumVolumes() != 1 {
		return nil, fmt.Errorf("%s has %d volumes, wanted one of labels", a.Regions, img.NumVolumes())
	}
	labels, err := img.Masked(mask)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(labels))
	for i, label := range labels {
		if label > 0 {
			names[i] = strconv.Itoa(int(label))
		}
	}
	return names, nil
}
