// Package sweep measures how a collection is searched: recall, queries a second and
// latencies over the recall that is asked for and the number of threads, beside what
// building the collection, opening it and holding it in memory takes.
//
// The vectors are NumPy files, or generated ones (see Hard), or an index that is there.
// What is right is an exact search of the same collection by index.SearchBatch,
// or a file with the ids. Queries of another distribution than the items, as words
// are for images, are measured beside the others.
//
// Every figure is the median of several rounds after one that warms up. A figure of
// speed means little alone: scripts/bench_peers.py runs other libraries on the same
// files.
package sweep
