package app

import (
	"errors"
	"fmt"
	"os"

	"engram/embed/dataset"
	"engram/httpapi"
)

// mostVolumeBytes bounds a NIfTI file that a client sends, unpacked: 32 volumes of a whole
// brain at 1.8 mm take 90 MB as float32.
const mostVolumeBytes = 256 << 20

// openBrain reads where the decoder's voxels lie, for the page and for scans that come as
// volumes. Without a mask there is neither.
func openBrain(d *Decoder, a dataset.Anatomy, to *httpapi.Decoder) error {
	if a.Mask == "" {
		if a.Regions != "" {
			return errors.New("--regions needs --mask, which says where the voxels lie")
		}
		return nil
	}
	places, order, err := a.Open()
	if err != nil {
		return err
	}
	if takes := d.Config().Voxels; places.Voxels() != takes {
		return fmt.Errorf("%s has %d voxels, the decoder takes %d", a.Mask, places.Voxels(), takes)
	}
	if _, err := d.Config().Order.Check(order); err != nil {
		return fmt.Errorf("%s is not the decoder's mask: %w", a.Mask, err)
	}
	to.Brain = &httpapi.Brain{Places: places, ZScore: d.ZScored}
	if to.Volumes, err = a.Volumes(mostVolumeBytes); err != nil {
		return err
	}
	to.Mask, err = os.ReadFile(a.Mask)
	return err
}
