package app

import (
	"context"
	"fmt"

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

// Repair says what is damaged in an index and what a repair does, and does it. Where items
// are lost, the next build goes through its sources again and embeds them.
func (a *App) Repair(ctx context.Context, spec RepairSpec, watch progress.Func) (*index.RepairReport, error) {
	if !spec.Write {
		return open.Repair(ctx, spec.Index, local.RepairOptions{Watch: watch})
	}
	// The ledger comes first: after a repair nothing says what is lost, so that a process
	// that ended in between would leave a ledger that takes all for built.
	found, err := open.Repair(ctx, spec.Index, local.RepairOptions{Watch: watch})
	if err != nil {
		return nil, err
	}
	if found.Lost > 0 || found.LostRecords > 0 {
		if err := a.reopenLedger(ctx, spec.Index); err != nil {
			return nil, fmt.Errorf("nothing is repaired, as the ledger of %s cannot be told what is lost (without it, a build goes through all sources): %w", spec.Index, err)
		}
	}
	return open.Repair(ctx, spec.Index, local.RepairOptions{Write: true, Watch: watch})
}

// reopenLedger has the next build of an index go through its sources again.
func (a *App) reopenLedger(ctx context.Context, name string) (err error) {
	ledger, err := a.knownLedger(ctx, BuildSpec{Out: name})
	if err != nil || ledger == nil {
		return err
	}
	defer closeInto(&err, ledger)
	begun, err := ledger.Reopen()
	if begun && err == nil {
		a.notify("the next engram index build into %s from its sources brings back what they still have", name)
	}
	return err
}
