package pretrain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"engram/data/vfs"
	"engram/embed/clip"
	"engram/embed/model"
	"engram/embed/tokenizer"
)

// write makes the model's folder. It is complete on the disk before anything of
// a model that was there is touched.
func (t *training) write(ctx context.Context, dir string, models map[string][]byte, card *Card) error {
	if err := t.replace(ctx, dir, models, card); err != nil {
		return fmt.Errorf("pretrain: write %s: %w", t.about.Model, err)
	}
	return nil
}

func (t *training) replace(ctx context.Context, dir string, models map[string][]byte, card *Card) error {
	parent := filepath.Dir(dir)
	if err := vfs.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	staging, err := os.MkdirTemp(parent, "."+t.about.Model.Folder()+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(staging)
	fresh := filepath.Join(staging, "new")
	if err := os.Mkdir(fresh, 0o755); err != nil {
		return err
	}
	for name, content := range models {
		if err := writeFile(filepath.Join(fresh, name), content); err != nil {
			return err
		}
	}
	manifest, err := t.net.manifest(fresh)
	if err != nil {
		return err
	}
	manifest.Name, manifest.Version, manifest.Licence = "scenes-"+t.about.Model.Folder(), "1", "CC0-1.0"
	manifest.Source = card.source()
	about := card.Markdown()
	if part := amendments()[t.about.Model]; part != "" {
		if manifest.Source, about, err = t.amend(dir, part, card); err != nil {
			return err
		}
		manifest.Version = "2"
	}
	written, err := model.Write(fresh, manifest)
	if err != nil {
		return err
	}
	if err := t.writeCanary(ctx, written); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(fresh, CardFile), []byte(about)); err != nil {
		return err
	}
	old := filepath.Join(staging, "old")
	if err := os.Rename(dir, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Rename(fresh, dir); err != nil {
		// Or else the old model would go with the staging folder.
		if back := os.Rename(old, dir); back != nil && !errors.Is(back, fs.ErrNotExist) {
			return errors.Join(err, back)
		}
		return err
	}
	return vfs.OS{}.SyncDir(parent)
}

// writeCanary keeps what a CLIP gives here, so that a machine on which it gives
// something else tells.
func (t *training) writeCanary(ctx context.Context, m *model.Model) error {
	if m.Kind != model.CLIP {
		return nil
	}
	canary, err := clip.MakeCanary(ctx, t.rt, m, clip.Options{})
	if err != nil {
		return err
	}
	return model.WriteCanary(m.Dir(), *canary)
}

// amendments are the trainings that go on with a model that is there, and which part of it
// they train.
func amendments() map[Model]string {
	return map[Model]string{Text: "text graph", Detail: "trained further", Scans: "trained further"}
}

// amend returns the source and the card of the model in dir with what is to be said
// of the part that was trained once more.
func (t *training) amend(dir, part string, card *Card) (source, about string, err error) {
	old, err := model.Open(dir)
	if err != nil {
		return "", "", err
	}
	text, err := os.ReadFile(filepath.Join(dir, CardFile))
	if err != nil {
		return "", "", err
	}
	// The card of such a training begins with its name.
	first, _, _ := strings.Cut(string(text), "\n# "+string(t.about.Model))
	made, _, _ := strings.Cut(old.Source, "; ")
	return made + "; " + part + ": " + card.command(), first + "\n" + card.Markdown(), nil
}

// writeFile writes a file and makes it durable.
func writeFile(path string, content []byte) error {
	return vfs.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

func (c *clipNetwork) manifest(dir string) (model.Manifest, error) {
	s := c.shape
	return model.Manifest{
		Kind: model.CLIP, T: s.tokens(), D: s.Dim, ImageSize: s.ImageSize, Preprocess: preprocess(),
		Tokenizer: &model.Tokenizer{File: vocabularyFile, Context: s.Context},
		Graphs: map[string]model.Graph{
			"image": {File: imageFile, Inputs: same(pixelsName), Outputs: same("tokens")},
			"text":  {File: textFile, Inputs: same(idsName), Outputs: same("embedding")},
		},
	}, tokenizer.WriteVocabulary(filepath.Join(dir, vocabularyFile), c.words)
}

func (a *autoencoderNetwork) manifest(string) (model.Manifest, error) {
	return model.Manifest{
		Kind: model.VAE, ImageSize: a.shape.ImageSize, Preprocess: preprocess(), Latent: a.shape.latent(),
		Graphs: map[string]model.Graph{
			"encoder": {File: encoderFile, Inputs: same(pixelsName), Outputs: map[string]string{latentName: outputName}},
			"decoder": {File: decoderFile, Inputs: same(latentName), Outputs: map[string]string{pixelsName: outputName}},
		},
	}, nil
}

// latent describes the latents, which have unit variance as they are.
func (s AutoencoderShape) latent() *model.Latent {
	return &model.Latent{Channels: s.latents(), Factor: s.Patch, Scale: 1}
}

func (d *denoiserNetwork) manifest(string) (model.Manifest, error) {
	s, noise := d.shape, scheduler()
	return model.Manifest{
		Kind: model.Denoiser, T: s.Tokens, D: s.Dim, ImageSize: d.autoencoder.ImageSize,
		Latent: d.autoencoder.Latent, Scheduler: &noise,
		Graphs: map[string]model.Graph{"denoiser": {
			File: denoiserFile, Inputs: same(contextName, latentName, timeName), Outputs: same(predictionName),
		}},
	}, nil
}

// same maps names to themselves.
func same(names ...string) map[string]string {
	m := map[string]string{}
	for _, name := range names {
		m[name] = name
	}
	return m
}
