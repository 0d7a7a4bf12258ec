// Package open finds the engine for an index by what a user writes: the path of
// a folder is an index of the embedded engine, and an address such as
// qdrant://localhost:6334/photos a collection of a Qdrant server. It is the one
// place that knows how the two differ; everybody else has an index.Store.
package open
