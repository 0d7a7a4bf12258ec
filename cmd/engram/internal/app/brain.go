package app

import (
	"errors"
	"fmt"

	"engram/embed/dataset"
	"engram/httpapi"
)

// openBrain reads where the decoder's voxels lie; nil without a mask.
func openBrain(d *Decoder, a dataset.Anatomy) (*httpapi.Brain, error) {
	if a.Mask == "" {
		if a.Regions != "" {
			return nil, errors.New("--regions needs --mask, which says where the voxels lie")
		}
		return nil, nil
	}
	places, order, err := a.Open()
	if err != nil {
		return nil, err
	}
	if takes := d.Config().Voxels; places.Voxels() != takes {
		return nil, fmt.Errorf("%s has %d voxels, the decoder takes %d", a.Mask, places.Voxels(), takes)
	}
	if _, err := d.Config().Order.Check(order); err != nil {
		return nil, fmt.Errorf("%s: %w", a.Mask, err)
	}
	return &httpapi.Brain{Places: places, ZScore: d.ZScored}, nil
}
