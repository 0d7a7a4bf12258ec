package app

import (
	"context"
	"path/filepath"

	"engram/embed/clip"
	"engram/embed/ort"
)

// checkCanary compares what a model gives here with what it gave when it was made,
// once on each machine. Vectors that differ a little are told, more is an error.
func (a *App) checkCanary(ctx context.Context, rt *ort.Runtime, tower clip.Tower) error {
	cache, err := a.CacheDir()
	if err != nil {
		return err
	}
	agreement, err := clip.CheckCanary(ctx, rt, tower, filepath.Join(cache, "canaries"))
	if err != nil {
		return err
	}
	if agreement.Warning != "" {
		a.notify("warning: %s", agreement.Warning)
	}
	if agreement.Checked {
		a.opts.Logger.Debug("canary", "model", Label(tower.Model()), "cosine", agreement.Cosine)
	}
	return nil
}
