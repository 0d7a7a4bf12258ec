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
	ScenesJudge       = scenesPrefix + models.Judge
)

const (
	scenesPrefix = "scenes-" // before the names of package models
	pixelsSize   = 32        // side of the images of Pixels, in pixels
)

// OpenModel opens the model of a name: a folder with a manifest, a model that the
// binary carries, an installed model, or a published one, by its name in the catalogue
// or as hf:owner/name, which is installed first.
func (a *App) OpenModel(ctx context.Context, name string, watch progress.Func) (*model.Model, error) {
	if m, err := a.openHere(name); m != nil || err != nil {
		return m, err
	}
	m, err := a.GetModel(ctx, GetSpec{Name: name}, watch)
	if err != nil {
		return nil, err
	}
	return m.Model, nil
}

// openHere opens a model that need not be fetched. It returns nil where the name may be
// a published model's.
func (a *App) openHere(name string) (*model.Model, error) {
	switch short, carried := strings.CutPrefix(name, scenesPrefix); {
	case isModelFolder(name):
		return a.openFolder(name)
	case name == Pixels:
		return a.openPixels()
	case carried && slices.Contains(models.Names(), short):
		return a.openCarried(name, short)
	case !isHub(name) && isPath(name):
		if err := noSuchFolder(name); err != nil {
			return nil, err
		}
		return a.openFolder(name)
	}
	dir, ok, err := a.installed(name)
	if err == nil && !ok {
		dir, err = a.installedFrom(name)
	}
	if err != nil || dir == "" {
		return nil, err
	}
	m, err := a.openFolder(dir)
	if err != nil {
		return nil, damaged(filepath.Base(dir), err)
	}
	return m, nil
}

// isPath reports whether a name can only be the path of a folder.
func isPath(name string) bool {
	return filepath.IsAbs(name) || name == "." || name == ".." || strings.ContainsAny(name, `/\`)
}

// noSuchFolder says what may have been meant by a path where nothing is: a repository
// of the hub, whose address or whose name without hf: it is. It returns nil for others.
func noSuchFolder(name string) error {
	if _, err := os.Lstat(name); err == nil {
		return nil
	}
	id := name
	if _, rest, isAddress := strings.Cut(name, "://"); isAddress {
		_, path, _ := strings.Cut(rest, "/") // after the host
		parts := strings.SplitN(path, "/", 3)
		id = strings.Join(parts[:min(2, len(parts))], "/")
	}
	if !hubID.MatchString(id) {
		return nil
	}
	return fmt.Errorf("%s is no folder; a repository of the hub is written as hf:owner/name, did you mean %s%s?", name, hubPrefix, id)
}

// openFolder opens the model in a folder. Large files that have not changed since they
// were hashed are not hashed again.
func (a *App) openFolder(dir string) (*model.Model, error) {
	cache, err := a.CacheDir()
	if err != nil {
		return nil, err
	}
	m, err := model.NewVerified(filepath.Join(cache, "verified")).Open(dir)
	if info, statErr := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && statErr == nil && info.IsDir() && !isModelFolder(dir) {
		return nil, fmt.Errorf("%s holds no %s, so it is no model (engram model import makes one of a folder with ONNX files)", dir, model.FileName)
	}
	return m, err
}

// installedFrom returns the folder of an installed model that comes from a repository,
// "" where there is none, and where name is no repository. So a model that was installed
// under a name of its own is found.
func (a *App) installedFrom(name string) (dir string, err error) {
	if !isHub(name) {
		return "", nil
	}
	p, err := parsePublished(GetSpec{Name: name})
	if err != nil {
		return "", err
	}
	found, err := a.InstalledModels()
	for _, m := range found {
		if revision := p.image.Commit; !m.Partial && (revision == "" || commitID.MatchString(revision)) &&
			strings.HasPrefix(m.Manifest.Source, hubPrefix) && p.is(m.Manifest) {
			return m.Dir, nil
		}
	}
	return "", err
}

// notInstalled says how a model that is not here can be had.
func (a *App) notInstalled(name string) error {
	p, err := parsePublished(GetSpec{Name: name})
	if errors.Is(err, errNotPublished) {
		return a.unknownModel(name)
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%s is not installed (engram model get %s)", p, name)
}

// unknownModel says that a name is no model's, and which one may have been meant.
func (a *App) unknownModel(name string) error {
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		_, err := a.openFolder(name)
		return err
	}
	if err := noSuchFolder(name); isPath(name) && err != nil {
		return err
	}
	if isPath(name) {
		return fmt.Errorf("%q is no model, wanted a name of the catalogue or hf:owner/name", name)
	}
	if a.isPartial(name) {
		return fmt.Errorf("%s is a download that was interrupted: run the command that began it again, or engram model remove %s", name, name)
	}
	return fmt.Errorf("%q is no folder, no installed model and not in the catalogue%s (engram model list)", name, meant(name, a.ModelNames()))
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
