package scan

import (
	"fmt"
	"math"
	"strings"
	"time"

	"engram/data/progress"
	"engram/data/space"
	"engram/embed/ort"
	"engram/embed/voxels"
)

// Options say how a decoder is trained. The zero value lets the preset auto
// choose.
type Options struct {
	Preset string // default auto
	// Epochs is how often a network sees every trial; default 100, and 20 for
	// the presets that stop by left-out images: contrastive, refined and
	// refined-network. Presets without training ignore it.
	Epochs int
	// Batch is how many trials a step sees; default 128, and never more than
	// there are. Trials that do not fill a batch wait for the next epoch's
	// shuffle.
	Batch int
	// LR is the highest learning rate of the one-cycle schedule; default 3e-4, and 1e-3
	// for a refinement.
	LR float64
	// WeightDecay of matrices; default .01.
	WeightDecay float64
	// Temperature is τ of both losses; 0 takes the preset's: MindEye's for
	// mindeye1 (.006, then .004 to .0075), and .01 for compact.
	Temperature float64
	Seed        uint64
	// Target is the embedding space of the targets; the zero Space is replaced
	// by one that is named by their content.
	Target space.Space
	// Order says which voxels the trials have, and is kept with the decoder; the zero
	// Order keeps nothing.
	Order voxels.Order
	// Checkpoint is a folder in which training keeps its state after epochs,
	// and from which it goes on; "" keeps none.
	Checkpoint string
	// CheckpointEvery is the least time between two checkpoints, see
	// train.Checkpoint.
	CheckpointEvery time.Duration
	Session         ort.SessionOptions
	// Trials are the voxels and images of the data, shared with other trainings on them;
	// nil shares nothing.
	Trials *Trials
	// Unserved says that the decoder will be scored and not searched with: what only a
	// search needs, such as the first stage, is left out; of the preset linear, the left-out
	// predictions, too.
	Unserved bool
	// Progress is told of ComponentsStage, SolvingStage, ChoosingStage and TrainingStage, as far as
	// the preset has them. Training reports every epoch with its loss (see train.Loop).
	Progress progress.Func
}

// The stages of Train in progress reports.
const (
	ComponentsStage = "finding the components"
	SolvingStage    = "solving the ridge"
	ChoosingStage   = "choosing the decoder"
	TrainingStage   = "training"
)

const (
	mixupShare         = 1.0 / 3 // of the epochs train with BiMixCo (MindEye: .33)
	warmUpShare        = .1      // of the steps raise the learning rate
	compactTemperature = .01
	mixTemperature     = .006 // of BiMixCo in MindEye
)

func (o Options) withDefaults(trials int) Options {
	if o.Preset == "" {
		o.Preset = PresetAuto
	}
	preset, _, _ := strings.Cut(o.Preset, ":")
	if o.Epochs == 0 {
		o.Epochs = 100
		if isRefinement(preset) {
			o.Epochs = refinementEpochs
		}
	}
	if o.Batch == 0 {
		o.Batch = 128
	}
	o.Batch = min(o.Batch, trials)
	if o.LR == 0 {
		o.LR = 3e-4
		if isRefinement(preset) {
			o.LR = refinementLR
		}
	}
	if o.WeightDecay == 0 {
		o.WeightDecay = .01
	}
	if o.Temperature == 0 && preset != PresetMindEye1 {
		o.Temperature = compactTemperature
	}
	return o
}

// trials returns the trials of the data, the shared ones where there are any.
func (o Options) trials(data Data) (*Trials, error) {
	if o.Trials == nil {
		return NewTrials(data.Voxels, data.Images), nil
	}
	return o.Trials, o.Trials.check(data)
}

// check refuses what training cannot use, defaults being filled in.
func (o Options) check() error {
	positive := func(x float64) bool { return x > 0 && !math.IsInf(x, 1) }
	switch {
	case o.Epochs < 1:
		return fmt.Errorf("scan: wanted 1 epoch at least, found %d", o.Epochs)
	case o.Batch < 2: // a contrast needs two
		return fmt.Errorf("scan: wanted 2 trials in a batch at least, found %d", o.Batch)
	case !positive(o.LR):
		return fmt.Errorf("scan: wanted a positive learning rate, found %v", o.LR)
	case !positive(o.WeightDecay):
		return fmt.Errorf("scan: wanted a positive weight decay, found %v", o.WeightDecay)
	case o.Temperature != 0 && !positive(o.Temperature):
		return fmt.Errorf("scan: wanted a positive temperature, found %v", o.Temperature)
	}
	return nil
}

// temperature returns τ in an epoch of a phase that has epochs.
func (o Options) temperature(soft bool, epoch, epochs int) float32 {
	switch {
	case o.Temperature > 0:
		return float32(o.Temperature)
	case soft:
		return float32(SoftTemperature(epoch, epochs))
	}
	return mixTemperature
}
