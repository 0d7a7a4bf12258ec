package app

import (
	"context"

	"engram/data/progress"
	"engram/index"
	"engram/index/local"
	"engram/index/open"
)

// RepairSpec says which index is repaired. Without Write, nothing is changed.
type RepairSpec struct {
	Index string
	Write bool
}

// Repair says what is damaged in an index and what a repair does, and does it.
func (a *App) Repair(ctx context.Context, spec RepairSpec, watch progress.Func) (*index.RepairReport, error) {
	return open.Repair(ctx, spec.Index, local.RepairOptions{Write: spec.Write, Watch: watch})
}
