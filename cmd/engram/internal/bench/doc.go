// Package bench measures what one machine does with the whole system: memory,
// disk, exact search, import into the embedded engine, decoding and encoding of
// images, and, where one is given, a Qdrant server.
//
// It calls the packages that do the work in earnest and repeats nothing of them;
// the benchmarks beside those look at one function each. Vectors are random and
// images are generated (package scenes), so that nothing has to be there. Every
// figure is the median of several runs, with the slowest and the fastest beside
// it. Runs stop when a step's share of the time is used up.
//
// A Report carries the rates that package plan makes plans from.
package bench
