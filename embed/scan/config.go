package scan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"engram/data/space"
	"engram/embed/voxels"
)

// The presets, see PresetConfig.
const (
	PresetAuto     = "auto"
	PresetLinear   = "linear"
	PresetWhitened = "whitened"
	PresetGains    = "gains"
	PresetGaussian = "gaussian"
	PresetCompact  = "compact"
	PresetMindEye1 = "mindeye1"

	PresetContrastive    = "contrastive"
	PresetRefined        = "refined"
	PresetRefinedNetwork = "refined-network"
)

// Config is the shape of a decoder: everything that its weights must fit.
//
// A trial of Voxels z-scored voxels becomes T tokens of D elements by a ridge
// regression onto the Rank principal components of the targets, by a network, or
// by a network behind the ridge. The ridge is solved in closed form and stays as
// it is. The network is MindEye's (Scotti et al. 2023, arXiv 2305.18274, section
// 3.1): a layer of Width units, Blocks residual layers of the same width, and an
// output layer. Behind a ridge both its input and its output are factored through
// the components.
type Config struct {
	Preset string `json:"preset"`
	Voxels int    `json:"voxels"`
	T      int    `json:"tokens"`
	D      int    `json:"dim"`

	Rank      int `json:"rank"`      // principal components of the targets; 0 = none, and no ridge
	Width     int `json:"width"`     // units of the network; 0 = none
	Blocks    int `json:"blocks"`    // residual layers
	Projector int `json:"projector"` // hidden units of the projector that the tokens share; 0 = none

	DropoutIn    float32 `json:"dropout_in"`    // after the first layer
	DropoutBlock float32 `json:"dropout_block"` // in each residual layer

	// Loss is what the network was trained with, see Losses; "" stands for LossMindEye,
	// and for presets that have one loss only.
	Loss string `json:"loss,omitempty"`

	// Metric is the name of the metric by which predictions and images are compared,
	// see Metric; "" stands for MetricPearson.
	Metric string `json:"metric,omitempty"`
	// Coordinates is K of the metric, 0 for Pearson's r.
	Coordinates int `json:"coordinates,omitempty"`

	// FirstStage says that the decoder maps its predictions to vectors that find items
	// of an index (see Decoder.FirstStage).
	FirstStage bool `json:"first_stage,omitempty"`

	// Chosen says why the preset auto chose this one; "" where it was named.
	Chosen string `json:"chosen,omitempty"`

	// Confidence says how the metric's scores become a probability; nil where that was not
	// calibrated.
	Confidence *Confidence `json:"confidence,omitempty"`

	// Target is the embedding space into which the decoder predicts.
	Target space.Space `json:"-"`
	// Order says which voxels the decoder reads, as far as it was recorded.
	Order voxels.Order `json:"voxel_order,omitzero"`
}

// savedConfig is a Config as config.json and checkpoints hold it.
type savedConfig struct {
	Config
	Target savedTarget `json:"target"`
}

type savedTarget struct {
	Fingerprint string `json:"bundle"`
	Name        string `json:"bundle_name"`
}

func (c Config) saved() savedConfig {
	target := savedTarget{Fingerprint: c.Target.Fingerprint, Name: c.Target.Name}
	c.Target = space.Space{}
	return savedConfig{Config: c, Target: target}
}

func (s savedConfig) config() Config {
	c := s.Config
	c.Target = space.Space{Name: s.Target.Name, Fingerprint: s.Target.Fingerprint}
	return c
}

// Presets lists the names that PresetConfig knows.
func Presets() []string {
	return []string{
		PresetAuto, PresetLinear, PresetWhitened, PresetGains, PresetGaussian, PresetCompact, PresetMindEye1,
		PresetContrastive, PresetRefined, PresetRefinedNetwork,
	}
}

// PresetConfig returns the shape of a preset for trials of voxels voxels and
// targets of t tokens of d elements. A preset with a network may have a loss behind a
// colon, such as "compact:mse"; see Losses.
//
//   - auto: gaussian, unless linear, whitened, gains or compact identifies left-out
//     training images better by two standard errors. The decoder that comes out has the
//     preset that was chosen, and Config.Chosen says why.
//   - linear: the ridge alone, compared by Pearson's r of the tokens: the baseline of
//     every report.
//   - whitened: the ridge; scores are divided by their root mean squares before the
//     cosine.
//   - gains: the ridge; each predicted score is multiplied by its reliability before
//     the cosine, as far as that helps.
//   - gaussian: the ridge, compared by the likelihood of its scores given an image
//     under correlated normal errors: see MetricLikelihood. From few images, slopes and
//     variances of single components are drawn towards what all say together.
//   - compact: the ridge, its scores with trained gains, and behind it a network
//     of one layer of 256 units; at most 512 components. A network of the same
//     size that reads the voxels instead finds fewer images of the demo's
//     simulated subject, and takes several times as long to train.
//   - mindeye1: the published network, 4,096 units, four residual layers and a
//     projector of 2,048 units, without a ridge: 947,579,904 parameters
//     for 15,724 voxels and 257×768 tokens.
//   - contrastive: gains, whose map of the prediction is then trained so that the cosine
//     tells the seen image from all other training images.
//   - refined: gaussian, whose map of the prediction is trained so in the same way, by
//     the likelihood.
//   - refined-network: gaussian, behind compact's network, which is trained in the same
//     way. These three keep what training changed only where left-out images are found
//     clearly better by it; auto does not try them, see NOTES.md.
func PresetConfig(preset string, voxels, t, d int) (Config, error) {
	c := Config{Preset: preset, Voxels: voxels, T: t, D: d, DropoutIn: dropoutIn, DropoutBlock: dropoutBlock}
	c.Preset, c.Loss, _ = strings.Cut(preset, ":")
	switch c.Preset {
	case PresetAuto, PresetLinear, PresetWhitened, PresetGains, PresetGaussian, PresetContrastive, PresetRefined:
		c.Rank = maxRank
	case PresetCompact, PresetRefinedNetwork:
		c.Rank, c.Width = maxRank, compactWidth
	case PresetMindEye1:
		c.Width, c.Blocks, c.Projector = 4096, 4, 2048
	default:
		return Config{}, fmt.Errorf("scan: preset %q is not known, want %s", preset, strings.Join(Presets(), ", "))
	}
	return c, c.validate()
}

// Shapes of the networks.
const (
	compactWidth = 256
	dropoutIn    = .5 // MindEye's, as dropoutBlock is
	dropoutBlock = .15
)

// maxRank bounds the principal components of the targets. The rank in use is
// also bounded by the number of training images less one.
const maxRank = 512

// Bounds far above every useful decoder, so that a damaged file is refused
// before it is built.
const (
	maxUnits  = 1 << 20
	maxBlocks = 1 << 10
)

func (c Config) validate() error {
	switch {
	case !slices.Contains(Presets(), c.Preset):
		return fmt.Errorf("scan: preset %q is not known, want %s", c.Preset, strings.Join(Presets(), ", "))
	case c.Voxels < 1 || c.T < 1 || c.D < 1:
		return fmt.Errorf("scan: wanted voxels, tokens and elements of at least 1, found %d, %d and %d", c.Voxels, c.T, c.D)
	case c.Order.Known() && c.Order.Count != c.Voxels:
		return fmt.Errorf("scan: the order of %d voxels was recorded, the decoder reads %d", c.Order.Count, c.Voxels)
	case c.Rank < 0 || c.Width < 0 || c.Blocks < 0 || c.Projector < 0:
		return fmt.Errorf("scan: wanted sizes of at least 0, found rank %d, width %d, blocks %d, projector %d", c.Rank, c.Width, c.Blocks, c.Projector)
	case max(c.Rank, c.Width, c.Projector) > maxUnits || c.Blocks > maxBlocks:
		return fmt.Errorf("scan: wanted layers of at most %d units and %d blocks, found rank %d, width %d, projector %d, %d blocks",
			maxUnits, maxBlocks, c.Rank, c.Width, c.Projector, c.Blocks)
	case c.Metric != "" && !slices.Contains([]string{MetricPearson, MetricCosine, MetricLikelihood}, c.Metric):
		return fmt.Errorf("scan: metric %q is not known, want %s, %s or %s", c.Metric, MetricPearson, MetricCosine, MetricLikelihood)
	case c.Coordinates < 0 || c.Coordinates > maxUnits || c.mapped() != (c.Coordinates > 0) || c.mapped() && c.Rank == 0:
		return fmt.Errorf("scan: the metric %s of %d coordinates does not fit %d components", c.metric(), c.Coordinates, c.Rank)
	case c.Confidence != nil && !c.Confidence.valid():
		return fmt.Errorf("scan: wanted a confidence of finite sharpness by 1 scan at least among 2 images, found %+v", *c.Confidence)
	case c.FirstStage && c.Rank == 0:
		return fmt.Errorf("scan: a decoder without components has no map of them for a first stage")
	case c.Rank == 0 && c.Width == 0:
		return fmt.Errorf("scan: a decoder needs a ridge (rank) or a network (width), found neither")
	case !(c.DropoutIn >= 0 && c.DropoutIn < 1) || !(c.DropoutBlock >= 0 && c.DropoutBlock < 1):
		return fmt.Errorf("scan: wanted dropout of at least 0 and below 1, found %v and %v", c.DropoutIn, c.DropoutBlock)
	}
	return c.checkLoss()
}

// metric returns the name of the metric.
func (c Config) metric() string { return cmp.Or(c.Metric, MetricPearson) }

// mapped says whether the metric compares scores along the components, mapped to
// coordinates, and not the tokens.
func (c Config) mapped() bool { return c.metric() != MetricPearson }

// outputs returns T·D, the elements of one prediction.
func (c Config) outputs() int { return c.T * c.D }
