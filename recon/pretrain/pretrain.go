package pretrain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"engram/data/scenes"
	"engram/embed/clip"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/embed/tokenizer"
	"engram/recon/diffusion"
)

// Train trains a model and writes its model to the folder of its name in out,
// in which a denoiser finds the models of the other two. It returns what the
// model's card says. Equal options give equal weights on one machine, whether
// the training was stopped in between or not.
func Train(ctx context.Context, rt *ort.Runtime, out string, model Model, opts Options) (_ *Card, err error) {
	scale, err := opts.scale()
	if err != nil {
		return nil, err
	}
	t := &training{rt: rt, opts: opts, about: about{Model: model, Seed: opts.Seed, World: worldFingerprint(opts.Seed)}}
	switch model {
	case CLIP:
		t.newCLIP(scale)
	case Text:
		n, err := t.openText(scale, out)
		if err != nil {
			return nil, err
		}
		defer n.Close()
	case Autoencoder:
		t.newAutoencoder(scale)
	case Detail:
		if err := t.newDetail(ctx, scale, out); err != nil {
			return nil, err
		}
	case Denoiser, Scans:
		frozen, err := openTeachers(rt, out)
		if err != nil {
			return nil, err
		}
		defer frozen.Close()
		if err := t.newDenoiser(ctx, scale, out, frozen); err != nil {
			return nil, err
		}
	case Judge:
		t.newJudge(scale)
	default:
		return nil, fmt.Errorf("pretrain: model is %q, wanted one of %v", model, Models())
	}
	trained, err := t.run(ctx)
	if err != nil {
		return nil, err
	}
	models, err := t.net.export(trained.Values)
	if err != nil {
		return nil, err
	}
	scores, err := t.net.score(ctx, models, true)
	if err != nil {
		return nil, err
	}
	card := t.card(trained, models, scores)
	return card, t.write(ctx, filepath.Join(out, model.Folder()), models, card)
}

// start says what the training is of.
func (t *training) start(n network, shape any, recipe Recipe) {
	text, err := json.Marshal(shape)
	if err != nil {
		panic(err) // a shape is numbers
	}
	t.net, t.about.Shape, t.about.Recipe = n, string(text), recipe
}

func (t *training) newCLIP(scale Scale) {
	n := t.clipNetwork(scale.CLIP, scale.CLIPRecipe, scale.held)
	t.start(&n, n.shape, n.recipe)
}

func (t *training) newJudge(scale Scale) {
	n := judgeNetwork{t.clipNetwork(scale.Judge, scale.JudgeRecipe, scale.held), judgePhrases()}
	n.seed += judgeSeed
	t.start(&n, n.shape, n.recipe)
}

// clipNetwork returns a CLIP of a shape, to be trained by a recipe and scored on held
// pictures.
func (t *training) clipNetwork(shape CLIPShape, recipe Recipe, held int) clipNetwork {
	words := scenes.Vocabulary()
	v := tokenizer.NewVocabulary(words, shape.Context)
	shape.Words = v.Size()
	return clipNetwork{
		rt: t.rt, shape: shape, recipe: t.opts.adjust(recipe), seed: t.opts.Seed, words: words, vocabulary: v, held: held,
	}
}

func (t *training) newAutoencoder(scale Scale) {
	shape, recipe := scale.Autoencoder, t.opts.adjust(scale.AutoencoderRecipe)
	t.start(&autoencoderNetwork{
		rt: t.rt, shape: shape, recipe: recipe, seed: t.opts.Seed, held: scale.held,
	}, shape, recipe)
}

func (t *training) newDenoiser(ctx context.Context, scale Scale, out string, frozen *teachers) error {
	if t.about.Model == Scans {
		return t.openScans(ctx, scale, out, frozen)
	}
	n, err := t.denoiserNetwork(scale, frozen, scale.DenoiserRecipe)
	if err != nil {
		return err
	}
	t.start(n, n.shape, n.recipe)
	return t.begin(out, n.shape.Channels, n.shape.Width)
}

// denoiserNetwork returns a denoiser that learns from frozen models, to be trained by a recipe.
func (t *training) denoiserNetwork(scale Scale, frozen *teachers, recipe Recipe) (*denoiserNetwork, error) {
	schedule, err := diffusion.New(scheduler())
	if err != nil {
		return nil, fmt.Errorf("pretrain: %w", err)
	}
	seen, latent := frozen.clip.Model(), frozen.autoencoder
	shape := scale.Denoiser
	shape.Tokens, shape.Dim = seen.T, seen.D
	shape.Channels, shape.Side = latent.Latent.Channels, latent.ImageSize/latent.Latent.Factor
	if shape.Tokens != 1+shape.Side*shape.Side {
		return nil, fmt.Errorf("pretrain: the denoiser wants a token for each latent pixel, found %d tokens beside the global one in %s and %d×%d pixels in %s",
			shape.Tokens-1, seen.Dir(), shape.Side, shape.Side, latent.Dir())
	}
	t.about.Depends = []string{seen.Fingerprint(), latent.Fingerprint()}
	return &denoiserNetwork{
		rt: t.rt, shape: shape, recipe: t.opts.adjust(recipe), seed: t.opts.Seed, held: scale.held, schedule: schedule, teachers: frozen,
	}, nil
}

// teachers are the frozen models that a denoiser learns from.
type teachers struct {
	clip             *clip.Encoder
	autoencoder      *model.Model
	encoder, decoder *ort.Session // of the autoencoder
}

// openTeachers opens the models of the CLIP and the autoencoder in out.
func openTeachers(rt *ort.Runtime, out string) (_ *teachers, err error) {
	t := &teachers{}
	var opened []io.Closer
	defer func() {
		if err != nil {
			for _, c := range opened {
				err = errors.Join(err, c.Close())
			}
			err = fmt.Errorf("pretrain: the denoiser learns from the models of the clip and the autoencoder: %w", err)
		}
	}()
	m, err := model.Open(filepath.Join(out, string(CLIP)))
	if err != nil {
		return nil, err
	}
	if t.clip, err = clip.Open(rt, m, clip.Options{Batch: scoreBatch}); err != nil {
		return nil, err
	}
	opened = append(opened, t.clip)
	if t.autoencoder, err = model.Open(filepath.Join(out, string(Autoencoder))); err != nil {
		return nil, err
	}
	if t.autoencoder.Kind != model.VAE {
		return nil, fmt.Errorf("%s is a model of kind %s, wanted vae", t.autoencoder.Dir(), t.autoencoder.Kind)
	}
	if t.encoder, err = rt.OpenFile(t.autoencoder.GraphPath("encoder"), ort.SessionOptions{}); err != nil {
		return nil, err
	}
	opened = append(opened, t.encoder)
	t.decoder, err = rt.OpenFile(t.autoencoder.GraphPath("decoder"), ort.SessionOptions{})
	return t, err
}

// Close frees the models.
func (t *teachers) Close() error {
	return errors.Join(t.clip.Close(), t.encoder.Close(), t.decoder.Close())
}
