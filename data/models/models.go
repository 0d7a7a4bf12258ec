package models

import (
	"embed"
	"io/fs"
)

// files has a folder for each model.
//
//go:embed */*
var files embed.FS

// Names of the models.
const (
	CLIP        = "clip"
	Autoencoder = "autoencoder"
	Denoiser    = "denoiser"
	Judge       = "judge" // a second CLIP, which says what is to be seen in reconstructions
)

// Names lists them.
func Names() []string { return []string{CLIP, Autoencoder, Denoiser, Judge} }

// Folder returns the files of a model, bundle.json among them. The names are
// those above; fs.ErrNotExist meets whoever asks for another.
func Folder(name string) (fs.FS, error) {
	if _, err := fs.Stat(files, name); err != nil {
		return nil, err
	}
	return fs.Sub(files, name)
}
