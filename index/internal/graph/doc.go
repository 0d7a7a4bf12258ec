// Package graph finds near rows by a walk over a graph of them, without looking at
// every row.
//
// The graph is flat: every row is a node, and a node has links to up to Degree
// other rows, chosen by the diversity heuristic of HNSW and Vamana (a link to a row
// that is nearer to another linked row than to the node is left out; Malkov and
// Yashunin, 2018, arXiv 1603.09320; Subramanya et al., DiskANN, NeurIPS 2019). A walk
// begins at the entries, a fixed sample of rows, and expands the best row that is
// known until the best Effort rows known are expanded. It compares int8 codes
// (see column.Quantise); the best rows are scored again in float32, so that scores
// are exact although rows may be missed.
//
// Build inserts rows in batches. The rows of a batch are searched for in the graph
// of the batches before, which does not change meanwhile, so that the graph does
// not depend on the number of goroutines (Dobson et al., ParlayANN, PPoPP 2024).
//
// Grow makes the graph of more rows, or without dropped ones, from a graph that is there. It
// reads that one only, so that searches go on in it.
//
// How many rows a walk misses depends on the data and on the kind of query. Build
// measures it: Levels has the recall of sampled queries for each effort, for queries like
// the rows, and for distant ones. A Searcher takes the recall that is wanted, and the
// least effort that reached it. It tells a distant query by its scores with the entries;
// its walk begins at more of them.
//
// Where it is known which rows a filter chooses, a walk of all rows keeps these, and goes as
// far as they lie; it is given up for a scan of them where that costs less.
package graph
