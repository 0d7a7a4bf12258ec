package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"engram/data/models"
	"engram/data/progress"
	"engram/embed/clip"
	"engram/embed/model"
)

// The names of the models that need no folder. Pixels has no weights; the
// binary carries the other ones, which were trained on generated scenes.
const (
	Pixels            = "pixels"
	ScenesCLIP        = scenesPrefix + models.CLIP
	ScenesAutoencoder = scenesPrefix + models.Autoencoder
	ScenesDenoiser    = scenesPrefix + models.Denoiser
)

const (
	scenesPrefix = "scenes-" // before the names of package models
	pixelsSize   = 32        // side of the images of Pixels, in pixels
)

// OpenModel opens the model in a folder, or one of the models that need no
// folder.
func (a *App) OpenModel(_ context.Context, name string, _ progress.Func) (*model.Model, error) {
	if name == Pixels {
		return a.openPixels()
	}
	if short, carried := strings.CutPrefix(name, scenesPrefix); carried && slices.Contains(models.Names(), short) {
		return a.openCarried(name, short)
	}
	return model.Open(name)
}

// openPixels opens the model of pixels, which is written on its first use.
func (a *App) openPixels() (*model.Model, error) {
	return a.cachedModel(fmt.Sprintf("%s-%d", Pixels, pixelsSize), func(dir string) error {
		_, err := clip.WritePixels(dir, pixelsSize)
		return err
	})
}

// openCarried opens a model that the binary carries, whose files are laid down
// on its first use.
func (a *App) openCarried(name, short string) (*model.Model, error) {
	files, err := models.Folder(short)
	if err != nil {
		return nil, err
	}
	manifest, err := fs.ReadFile(files, model.FileName)
	if err != nil {
		return nil, err
	}
	return a.cachedModel(fmt.Sprintf("%s-%x", name, sha256.Sum256(manifest))[:len(name)+13], func(dir string) error {
		return os.CopyFS(dir, files)
	})
}

// cachedModel opens the model in a folder of the cache, which write makes where
// it is missing or damaged. Programs may do so at the same time: a folder
// appears as a whole.
func (a *App) cachedModel(name string, write func(dir string) error) (*model.Model, error) {
	cache, err := a.CacheDir()
	if err != nil {
		return nil, err
	}
	all := filepath.Join(cache, "models")
	dir := filepath.Join(all, name)
	if m, err := model.Open(dir); err == nil {
		return m, nil
	}
	if err := os.MkdirAll(all, 0o755); err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp(all, name+".tmp-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	if err := write(filepath.Join(temp, name)); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(dir); err != nil { // damaged
		return nil, err
	}
	if err := os.Rename(filepath.Join(temp, name), dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return model.Open(dir)
}
