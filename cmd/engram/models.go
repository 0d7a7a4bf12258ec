package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"engram/data/models"
	"engram/embed/bundle"
	"engram/embed/clip"
)

// Bundles that need no folder, by the names that flags ask for them with: pixels,
// whose images have pixelsSize pixels a side, and those that the binary carries,
// which are package models' names after a prefix.
const (
	pixelsBundle  = "pixels"
	pixelsSize    = 32
	carriedPrefix = "scenes-"
	clipBundle    = carriedPrefix + models.CLIP
)

// openBundle opens the bundle of a folder, or one of those that need no folder:
// pixels, and the demo's, which the binary carries.
func (a *app) openBundle(name string) (*bundle.Bundle, error) {
	if name == pixelsBundle {
		return a.openPixels()
	}
	if short, carried := strings.CutPrefix(name, carriedPrefix); carried && slices.Contains(models.Names(), short) {
		return a.openCarried(name, short)
	}
	return bundle.Open(name)
}

// openPixels opens the bundle of pixels, which is written on its first use.
func (a *app) openPixels() (*bundle.Bundle, error) {
	return a.cachedBundle(fmt.Sprintf("%s-%d", pixelsBundle, pixelsSize), func(dir string) error {
		_, err := clip.WritePixels(dir, pixelsSize)
		return err
	})
}

// openCarried opens a bundle that the binary carries, whose files are laid down
// on its first use.
func (a *app) openCarried(name, short string) (*bundle.Bundle, error) {
	files, err := models.Bundle(short)
	if err != nil {
		return nil, err
	}
	manifest, err := fs.ReadFile(files, bundle.FileName)
	if err != nil {
		return nil, err
	}
	return a.cachedBundle(fmt.Sprintf("%s-%x", name, sha256.Sum256(manifest))[:len(name)+13], func(dir string) error {
		return os.CopyFS(dir, files)
	})
}

// cachedBundle opens the bundle in a folder of the cache, which write makes where
// it is missing or damaged. Programs may do so at the same time: a folder
// appears as a whole.
func (a *app) cachedBundle(name string, write func(dir string) error) (*bundle.Bundle, error) {
	cache, err := a.cacheDir()
	if err != nil {
		return nil, err
	}
	all := filepath.Join(cache, "bundles")
	dir := filepath.Join(all, name)
	if b, err := bundle.Open(dir); err == nil {
		return b, nil
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
	return bundle.Open(dir)
}
