package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"engram/data/progress"
	"engram/index"
	"engram/index/open"
)

// ListedIndex is an index in a folder of indexes.
type ListedIndex struct {
	Index string `json:"index"`
	Model string `json:"model"` // of the vectors, "" where it is not known
	Dim   int    `json:"dim"`
	Items int    `json:"items"`
	Bytes int64  `json:"bytes"` // of its files
	// Damage says why it cannot be opened, or what of it cannot be read; "" where it is
	// sound as far as opening tells.
	Damage string `json:"damage,omitempty"`
}

// ListIndexes describes the indexes in a folder: the folder itself where it is one, and the
// folders directly in it.
func (a *App) ListIndexes(ctx context.Context, folder string, _ progress.Func) ([]ListedIndex, error) {
	if open.IsCollection(folder) {
		return nil, fmt.Errorf("%s is on a server, wanted a folder with indexes in it", folder)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	names := []string{folder}
	for _, e := range entries {
		names = append(names, filepath.Join(folder, e.Name()))
	}
	list := []ListedIndex{}
	for _, name := range names {
		switch x, err := a.listed(ctx, name); {
		case errors.Is(err, index.ErrNotFound):
		case err != nil:
			return nil, err
		default:
			list = append(list, x)
		}
	}
	return list, nil
}

// listed describes one index; index.ErrNotFound says that the name is of none.
func (a *App) listed(ctx context.Context, name string) (x ListedIndex, err error) {
	opened, err := a.OpenIndex(ctx, name)
	switch {
	case errors.Is(err, index.ErrCorrupt):
		x = ListedIndex{Index: name, Damage: err.Error()}
	case err != nil:
		return x, err
	default:
		defer closeInto(&err, opened)
		info := opened.Info
		x = ListedIndex{Index: name, Model: info.Space.Name, Dim: info.Dim, Items: info.Count, Damage: info.Damage}
	}
	entries, err := os.ReadDir(name)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() { // or else it has just gone
			x.Bytes += info.Size()
		}
	}
	return x, err
}
