package pretrain

import (
	"fmt"
	"strings"
	"time"

	"engram/data/progress"
	"engram/embed/train"
)

// CardFile is the name of the model card in a model's folder. The card is not
// among the model's checked files, since it tells how long the training took.
const CardFile = "CARD.md"

// Card says what a trained model is, how it was made and what it is worth.
type Card struct {
	Model      Model
	Scale      string
	Shape      string // all sizes, as JSON
	Recipe     Recipe
	Seed       uint64
	Depends    []string // fingerprints of the models that it learned from
	Begun      string   // fingerprint of the model that it began with, "" for random weights
	Parameters int      // of the training; a few, such as a temperature, are not served
	Bytes      int      // of the model files
	Seconds    float64  // of the training, all its parts together
	Loss       float32  // mean of the last epoch
	Scores     []progress.Figure
}

// card tells of a training that has ended.
func (t *training) card(trained *train.Trained, models map[string][]byte, scores []progress.Figure) *Card {
	a := t.about
	c := &Card{
		Model: a.Model, Scale: t.opts.scaleName(), Shape: a.Shape, Recipe: a.Recipe, Seed: a.Seed, Depends: a.Depends, Begun: t.begun,
		Seconds: trained.Seconds, Loss: trained.Losses[len(trained.Losses)-1], Scores: scores,
	}
	for _, v := range trained.Values {
		c.Parameters += len(v)
	}
	for _, content := range models {
		c.Bytes += len(content)
	}
	return c
}

// command returns the command line that trains the model again.
func (c *Card) command() string {
	return fmt.Sprintf("engram pretrain --model %s --scale %s --seed %d --epochs %d", c.Model, c.Scale, c.Seed, c.Recipe.Epochs)
}

// source says in a line where the weights come from.
func (c *Card) source() string {
	parts := []string{"trained on generated scenes alone: " + c.command()}
	for _, fingerprint := range c.Depends {
		parts = append(parts, "with model "+fingerprint[:12])
	}
	if c.Begun != "" {
		parts = append(parts, "begun with model "+c.Begun[:12])
	}
	return strings.Join(parts, ", ")
}

// prose is what the cards of a model say beside the figures.
type prose struct{ what, aim, limits string }

func (m Model) prose() prose {
	switch m {
	case CLIP:
		return prose{
			what: "An image transformer and a text transformer that share a space (after Radford et al. 2021, " +
				"arXiv 2103.00020). The image model gives a global token and one for each patch; the text model " +
				"takes words of a closed vocabulary.",
			aim: "Symmetric contrastive loss between pictures and one of their three captions. Scenes of a batch " +
				"that mean the same are right answers for each other.",
			limits: "It knows the drawn world of data/scenes and nothing else: photographs, other drawings and words " +
				"that are not in its vocabulary mean nothing to it.",
		}
	case Text:
		return prose{
			what: "The text graph of this CLIP, trained once more from the start while the image graph stayed as it is " +
				"(locked-image tuning, Zhai et al. 2022, arXiv 2111.07991), so that it understands what people type. " +
				"Captions tell everything about a scene; a query such as \"a zebra at night\" leaves most of it open. The " +
				"scores above are of the text graph that it had before.",
			aim: "Symmetric contrastive loss between pictures and texts, four in ten of them captions, the others short " +
				"queries. All pictures of a batch that a text fits are right answers for it.",
			limits: "As above. It takes no notice of what stands behind what, and of \"no\" and \"without\", which its " +
				"captions never say.",
		}
	case Judge:
		return prose{
			what: "A CLIP of other sizes, another world and other first values than the one whose tokens are decoded. It " +
				"judges reconstructions, and takes no part in making or choosing them.",
			aim: "Cross-entropy of each picture over the phrases of all kinds, \"a zebra\" and the like, and with a weight of .2 " +
				"over all backgrounds, lights and weathers. Patches on which a thing stands learn its phrase as well. Half of the pictures are blurred more or less. It has seen no captions.",
			limits: "It names the kinds and the settings of the drawn world of data/scenes, and knows nothing else.",
		}
	case Detail:
		return prose{
			what: "The autoencoder that is described above, trained further with more channels of a latent pixel, for what " +
				"transformers over patches leave out, and with convolutions that see and paint across the patches' borders. " +
				"It begins with the principal components of what was left out. The scores above are of the autoencoder before.",
			aim:    "Mean over pictures of the root of the mean squared error, with a little noise on the latents.",
			limits: "It was trained on drawn scenes.",
		}
	case Scans:
		return prose{
			what: "The denoiser that is described above, trained further on the tokens that decoders predict of simulated " +
				"scans, each of scenes that its decoder was not fitted to. A summary of all tokens together stands beside " +
				"them. The scores above are of the denoiser before.",
			aim: "Mean squared error of the v-prediction, in which the errors of a thing count four times, and with a weight " +
				"of .05 the cross-entropy of the kinds that the summary tells. 15 % of the contexts are true tokens, one in ten is zero.",
			limits: "As above. It wants predictions as they are, with the lengths that regression gives them. All its scans " +
				"are simulated: nobody was scanned.",
		}
	case Autoencoder:
		return prose{
			what: "An encoder and a decoder of transformer layers over patches. Each latent pixel is normalised to " +
				"mean 0 and variance 1, so that the latent scale is 1.",
			aim:    "Mean squared error of the pixels, with a little noise on the latents.",
			limits: "It was trained on drawn scenes. Edges and thin lines come back soft.",
		}
	}
	return prose{
		what: "A diffusion transformer over latents that is given the CLIP's image tokens: each patch's token at its " +
			"place, the global token and the time as tokens of their own. A context of zeros asks for any picture.",
		aim: "Mean squared error of the v-prediction on a cosine noise schedule; one context in ten is zero, " +
			"for classifier-free guidance.",
		limits: "It works with the tokens and latents of the two models that it was trained with, and no others. " +
			"It paints the drawn world of data/scenes alone.",
	}
}

// Markdown returns the card as text.
func (c *Card) Markdown() string {
	p := c.Model.prose()
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# %s, scale %s", c.Model, c.Scale)
	line("\n%s\n", p.what)
	line("All pictures and captions that it has seen are generated by data/scenes: drawings made by a program, no photographs.")
	line("\n## How it was made\n\n    %s\n", c.command())
	seen := "seen once"
	if c.Model == Text && c.Recipe.Epochs > pool {
		seen = fmt.Sprintf("seen in every %dth epoch, with another text each time", pool)
	}
	line("%s Every scene is drawn from the training split and %s.\n", p.aim, seen)
	line("| | |\n| --- | --- |")
	line("| sizes | `%s` |", c.Shape)
	line("| parameters | %d |", c.Parameters)
	line("| model files | %.1f MB, weights in half precision |", float64(c.Bytes)/1e6)
	line("| scenes | %d: %d epochs of %d steps of %d |", c.Recipe.Scenes(), c.Recipe.Epochs, c.Recipe.Steps, c.Recipe.Batch)
	line("| optimiser | AdamW, one cycle up to %g, weight decay %g |", c.Recipe.LR, c.Recipe.WeightDecay)
	line("| seed | %d |", c.Seed)
	line("| time | %s |", time.Duration(c.Seconds*float64(time.Second)).Round(time.Second))
	line("| last loss | %.4f |", c.Loss)
	for _, fingerprint := range c.Depends {
		line("| learned from model | `%s` |", fingerprint)
	}
	if c.Begun != "" {
		line("| begun with model | `%s` |", c.Begun)
	}
	line("\n## What it is worth\n\nMeasured on scenes of the test split, no meaning of which is in the training split, with the model files of this folder.\n")
	line("| score | value |\n| --- | --- |")
	for _, s := range c.Scores {
		line("| %s | %.3f |", s.Name, s.Value)
	}
	line("\n## Limits\n\n%s", p.limits)
	return b.String()
}
