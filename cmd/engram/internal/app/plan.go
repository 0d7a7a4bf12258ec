package app

import (
	"context"
	"fmt"
	"os"

	"engram/data/progress"
	"engram/index/plan"
)

// PlanSpec says what to plan for.
type PlanSpec struct {
	// Demands are planned for one by one. Where one names no engine, the one that
	// suits it is chosen.
	Demands []plan.Demand
	Rates   string // file of a bench's report with what a machine does; "": the built-in rates
}

// Plan works out what indexes take before they are built.
func (a *App) Plan(_ context.Context, spec PlanSpec, _ progress.Func) ([]*plan.Plan, error) {
	rates, err := readRates(spec.Rates)
	if err != nil {
		return nil, err
	}
	var plans []*plan.Plan
	for _, d := range spec.Demands {
		p, err := newPlan(d, rates)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.Name, err)
		}
		plans = append(plans, p)
	}
	return plans, nil
}

// tolerable is how long, in milliseconds, an exact search may take before a
// graph is worth its while.
const tolerable = 100

// newPlan plans for the engine asked for, or for the one that suits the demand.
func newPlan(d plan.Demand, rates plan.Rates) (*plan.Plan, error) {
	if d.Engine != "" {
		return plan.New(d, rates)
	}
	d.Engine = plan.Local
	p, err := plan.New(d, rates)
	if err == nil {
		if ms, _ := p.Value("scanMs"); ms <= tolerable {
			return p, nil
		}
	}
	d.Engine = plan.Qdrant
	return plan.New(d, rates)
}

// readRates reads the rates in a file, or returns the built-in ones.
func readRates(path string) (plan.Rates, error) {
	if path == "" {
		return plan.DefaultRates(), nil
	}
	file, err := os.Open(path)
	if err != nil {
		return plan.Rates{}, err
	}
	defer file.Close()
	rates, err := plan.ReadRates(file)
	if err != nil {
		return rates, fmt.Errorf("%s: %w", path, err)
	}
	return rates, nil
}
