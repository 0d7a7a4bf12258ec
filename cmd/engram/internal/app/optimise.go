package app

import (
	"context"
	"fmt"

	"engram/data/progress"
	"engram/index"
)

// IndexReport says what an index is, and how its items are found.
type IndexReport struct {
	Index   string `json:"index"`
	Engine  string `json:"engine"`
	Model   string `json:"model"` // of the vectors, "" where it is not known
	Dim     int    `json:"dim"`
	Items   int    `json:"items"`
	InGraph int    `json:"in_graph"` // items that a search finds by a graph
	// Graphs are of the embedded engine; a server keeps its own to itself.
	Graphs []index.Graph `json:"graphs"`
	// Fields are the payload keys that the index has indexes of.
	Fields []index.PayloadIndex `json:"payload_indexes"`
	Damage string               `json:"damage,omitempty"` // see index.Info
}

// IndexInfo describes an index.
func (a *App) IndexInfo(ctx context.Context, name string, _ progress.Func) (_ *IndexReport, err error) {
	x, err := a.OpenIndex(ctx, name)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, x)
	return x.report(ctx)
}

// Optimise makes searches of an index as fast as they can be, and describes it then.
func (a *App) Optimise(ctx context.Context, name string, watch progress.Func) (_ *IndexReport, err error) {
	x, err := a.openForWriting(ctx, name)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, x)
	store, ok := x.Store.(index.Optimiser)
	if !ok {
		return nil, fmt.Errorf("%s is on a server, which builds its graphs by itself: wanted the folder of an index", name)
	}
	if err := store.Optimise(ctx, watch); err != nil {
		return nil, err
	}
	return x.report(ctx)
}

// report describes the index as it is now.
func (x *Index) report(ctx context.Context) (*IndexReport, error) {
	info, err := x.Store.Info(ctx)
	if err != nil {
		return nil, err
	}
	r := &IndexReport{Index: x.Name, Engine: info.Engine, Model: info.Space.Name, Dim: info.Dim, Items: info.Count, Damage: info.Damage}
	if store, ok := x.Store.(index.Optimiser); ok {
		if r.Graphs, err = store.Graphs(ctx); err != nil {
			return nil, err
		}
	}
	if store, ok := x.Store.(index.PayloadIndexed); ok {
		if r.Fields, err = store.PayloadIndexes(ctx); err != nil {
			return nil, err
		}
	}
	for _, g := range r.Graphs {
		r.InGraph += g.Items
	}
	return r, nil
}
