package pretrain

import (
	"fmt"
	"strings"
	"time"

	"engram/data/progress"
	"engram/embed/nn"
	"engram/embed/ort"
)

// Model names one of the models.
type Model string

// The models, in the order in which they are trained: the text graph of the CLIP
// is trained once more, by its image graph, and the autoencoder with more channels; the denoiser learns from what the
// CLIP and the autoencoder make of pictures, and then from simulated scans. The judge is a CLIP of its own, which
// learns from no other model and no other model from it.
const (
	CLIP        Model = "clip"
	Text        Model = "text"
	Autoencoder Model = "autoencoder"
	Detail      Model = "detail"
	Denoiser    Model = "denoiser"
	Scans       Model = "scans"
	Judge       Model = "judge"
)

// Models returns all models in the order in which they are trained.
func Models() []Model { return []Model{CLIP, Text, Autoencoder, Detail, Denoiser, Scans, Judge} }

// Folder returns the name of the folder that a model is written to.
func (m Model) Folder() string {
	switch m {
	case Text:
		return string(CLIP) // whose text graph it is
	case Detail:
		return string(Autoencoder) // which it is
	case Scans:
		return string(Denoiser) // which it is
	}
	return string(m)
}

// Recipe says how a model is trained. One step sees a batch of scenes that were
// never seen before; an epoch is what is drawn at a time.
type Recipe struct {
	Epochs      int     `json:"epochs"`
	Steps       int     `json:"steps"` // per epoch
	Batch       int     `json:"batch"` // scenes per step
	LR          float64 `json:"learning_rate"`
	WeightDecay float64 `json:"weight_decay"`
}

// Scenes returns how many scenes the training sees.
func (r Recipe) Scenes() int { return r.Epochs * r.Steps * r.Batch }

// The parts of every recipe: AdamW's β2 as transformers have it, and the share of
// the steps in which the learning rate rises.
const (
	beta2  = .98
	warmUp = .1
)

// Options say what is trained and how.
type Options struct {
	Scale string // tiny or small, the default; see Scales
	Seed  uint64
	// Epochs overrides the scale's; 0 keeps it.
	Epochs int
	// Checkpoint is a folder in which trainings keep their state after epochs,
	// and from which they go on; "" keeps none.
	Checkpoint string
	// ScoreEvery is after how many epochs held-out scores are measured during
	// training; 0 measures them at the end alone.
	ScoreEvery int
	Session    ort.SessionOptions // of the training
	// Progress is told of every epoch in a stage that has the model's name. The
	// figures are the epoch's loss (see train.Loop) and, where they were measured,
	// the scores of held-out scenes.
	Progress progress.Func

	checkpointEvery time.Duration // see train.Checkpoint; shorter in tests
}

// Scale is a set of sizes.
type Scale struct {
	Name                                                      string
	CLIP, Judge                                               CLIPShape
	Autoencoder                                               AutoencoderShape
	Denoiser                                                  DenoiserShape
	CLIPRecipe, TextRecipe, AutoencoderRecipe, DenoiserRecipe Recipe
	ScansRecipe, JudgeRecipe                                  Recipe
	DetailRecipe                                              Recipe
	Details                                                   int   // channels, see AutoencoderShape
	DetailStem                                                []int // see AutoencoderShape
	Scans                                                     Simulation
	Summary, SummaryWidth                                     int // of the denoiser that learns from scans

	held int // pictures that a score is measured on
}

// Scales returns the sizes that there are: tiny, which learns something within
// seconds, for tests, and small, which the demo's models have.
func Scales() []Scale {
	return []Scale{{
		Name: "tiny",
		CLIP: CLIPShape{
			ImageSize: 32, Patch: 8, Width: 32, Image: nn.Transformer{Layers: 1, Heads: 2},
			Context: 40, TextWidth: 32, Text: nn.Transformer{Layers: 1, Heads: 2}, Dim: 16,
		},
		CLIPRecipe:        Recipe{Epochs: 6, Steps: 8, Batch: 32, LR: 3e-3, WeightDecay: .05},
		TextRecipe:        Recipe{Epochs: 6, Steps: 8, Batch: 32, LR: 3e-3, WeightDecay: .05},
		Autoencoder:       AutoencoderShape{ImageSize: 32, Patch: 8, Width: 32, Layers: nn.Transformer{Layers: 1, Heads: 2}, Channels: 8},
		AutoencoderRecipe: Recipe{Epochs: 6, Steps: 8, Batch: 16, LR: 3e-3, WeightDecay: .05},
		Details:           4,
		DetailStem:        []int{8, 12},
		DetailRecipe:      Recipe{Epochs: 6, Steps: 8, Batch: 16, LR: 1e-3, WeightDecay: .05},
		Denoiser:          DenoiserShape{Width: 32, Layers: nn.Transformer{Layers: 1, Heads: 2}},
		DenoiserRecipe:    Recipe{Epochs: 6, Steps: 8, Batch: 16, LR: 3e-3, WeightDecay: .05},
		Scans:             Simulation{Subjects: 1, Images: 64, Voxels: 100},
		Summary:           1, SummaryWidth: 8,
		ScansRecipe: Recipe{Epochs: 6, Steps: 8, Batch: 16, LR: 1e-3, WeightDecay: .05},
		Judge: CLIPShape{
			ImageSize: 32, Patch: 8, Stem: []int{8, 12}, Width: 24, Image: nn.Transformer{Layers: 1, Heads: 2},
			Context: 12, TextWidth: 24, Text: nn.Transformer{Layers: 1, Heads: 2}, Dim: 16,
		},
		JudgeRecipe: Recipe{Epochs: 6, Steps: 8, Batch: 32, LR: 3e-3, WeightDecay: .05},
		held:        20,
	}, {
		Name: "small",
		CLIP: CLIPShape{
			ImageSize: 64, Patch: 8, Width: 128, Image: nn.Transformer{Layers: 4, Heads: 4},
			Context: 40, TextWidth: 128, Text: nn.Transformer{Layers: 2, Heads: 4}, Dim: 128,
		},
		CLIPRecipe:        Recipe{Epochs: 100, Steps: 32, Batch: 128, LR: 1e-3, WeightDecay: .05},
		TextRecipe:        Recipe{Epochs: 80, Steps: 32, Batch: 128, LR: 1e-3, WeightDecay: .05},
		Autoencoder:       AutoencoderShape{ImageSize: 64, Patch: 8, Width: 192, Layers: nn.Transformer{Layers: 2, Heads: 6}, Channels: 32},
		AutoencoderRecipe: Recipe{Epochs: 60, Steps: 64, Batch: 32, LR: 1e-3, WeightDecay: .05},
		Details:           16,
		DetailStem:        []int{32, 64},
		DetailRecipe:      Recipe{Epochs: 40, Steps: 64, Batch: 16, LR: 5e-4, WeightDecay: .05},
		Denoiser:          DenoiserShape{Width: 192, Layers: nn.Transformer{Layers: 6, Heads: 6}},
		DenoiserRecipe:    Recipe{Epochs: 40, Steps: 64, Batch: 32, LR: 1e-3, WeightDecay: .05},
		Scans:             Simulation{Subjects: 4, Images: 4096, Voxels: 4000},
		Summary:           2, SummaryWidth: 256,
		ScansRecipe: Recipe{Epochs: 60, Steps: 64, Batch: 32, LR: 5e-4, WeightDecay: .05},
		Judge: CLIPShape{
			ImageSize: 64, Patch: 8, Stem: []int{32, 64, 128}, Width: 128, Image: nn.Transformer{Layers: 1, Heads: 4},
			Context: 12, TextWidth: 96, Text: nn.Transformer{Layers: 1, Heads: 3}, Dim: 96,
		},
		JudgeRecipe: Recipe{Epochs: 24, Steps: 128, Batch: 32, LR: 1e-3, WeightDecay: .05},
		held:        300,
	}}
}

// scale returns the sizes that the options name.
func (o Options) scale() (Scale, error) {
	var names []string
	for _, s := range Scales() {
		if s.Name == o.scaleName() {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Scale{}, fmt.Errorf("pretrain: scale is %q, wanted %s", o.Scale, strings.Join(names, " or "))
}

func (o Options) scaleName() string {
	if o.Scale == "" {
		return "small"
	}
	return o.Scale
}

// adjust returns a scale's recipe with what the options change of it.
func (o Options) adjust(r Recipe) Recipe {
	if o.Epochs > 0 {
		r.Epochs = o.Epochs
	}
	return r
}
