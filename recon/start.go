package recon

import (
	"fmt"
	"math"
)

// checkStarts reports images that cannot be begun from.
func (o *Options) checkStarts(scans int) error {
	switch {
	case o.Starts == nil && o.Strength != 0:
		return fmt.Errorf("strength is %v without images to begin from", o.Strength)
	case o.Starts == nil:
		return nil
	case len(o.Starts) != scans:
		return fmt.Errorf("%d images to begin from, wanted one for each of %d scans: %w", len(o.Starts), scans, ErrMismatch)
	case o.Strength < 0 || o.Strength > 1 || math.IsNaN(o.Strength):
		return fmt.Errorf("strength is %v, wanted a number above 0 and up to 1", o.Strength)
	}
	return nil
}
