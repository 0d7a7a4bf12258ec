package scan

import (
	"fmt"
	"slices"
	"strings"
)

// The losses of a network, see Losses.
const (
	LossMindEye  = "mindeye"
	LossBiMixCo  = "bimixco"
	LossSoftCLIP = "softclip"
	LossMSE      = "mse"
	LossGallery  = "gallery"
)

// Losses lists the losses that a network can be trained with. A preset with a network
// takes one behind a colon, as in "compact:mse".
//
//   - mindeye: BiMixCo for the first third of the epochs and SoftCLIP after, the default
//   - bimixco, softclip: one of them for all epochs
//   - mse: the mean squared error of scores, or of tokens where there are no components
//   - gallery: the cross-entropy of the seen image among all training images by the
//     cosine; only behind a ridge
func Losses() []string { return []string{LossMindEye, LossBiMixCo, LossSoftCLIP, LossMSE, LossGallery} }

// CheckPreset refuses a name that is neither a preset nor a preset with a loss.
func CheckPreset(name string) error {
	_, err := PresetConfig(name, 1, 1, 1)
	return err
}

// Name returns the preset, with the loss behind a colon where one was named.
func (c Config) Name() string {
	if c.Loss == "" {
		return c.Preset
	}
	return c.Preset + ":" + c.Loss
}

// checkLoss refuses a loss that the decoder cannot be trained with.
func (c Config) checkLoss() error {
	switch {
	case c.Loss == "":
		return nil
	case !slices.Contains(Losses(), c.Loss):
		return fmt.Errorf("scan: loss %q is not known, want %s", c.Loss, strings.Join(Losses(), ", "))
	case c.Width == 0 || c.mapped() || c.Preset == PresetRefinedNetwork:
		return fmt.Errorf("scan: the preset %s takes no loss, found %s", c.Preset, c.Loss)
	case c.Loss == LossGallery && c.Rank == 0:
		return fmt.Errorf("scan: the loss %s needs a ridge, which the preset %s does not have", c.Loss, c.Preset)
	}
	return nil
}

// phases returns the spans of epochs and their losses.
func (c Config) phases(epochs int) []phase {
	if c.Loss != "" && c.Loss != LossMindEye {
		return []phase{{loss: c.Loss, to: epochs}}
	}
	mixed := int(mixupShare * float64(epochs))
	return []phase{{loss: LossBiMixCo, to: mixed}, {loss: LossSoftCLIP, from: mixed, to: epochs}}
}
