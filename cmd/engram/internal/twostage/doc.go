// Package twostage searches an index by what a scan's decoder predicts, in two
// stages. The global vector of the prediction finds candidates among the items of
// the index. All tokens of the prediction then rank them, by the metric that the
// decoder names. Where the coordinates of all items fit into memory every item is a
// candidate, and there is no first stage.
//
// The metric is an inner product after one map of an item's tokens, so the
// coordinates that come out of the map are kept and the tokens are read once.
// Where the tokens come from is the caller's business (Source): an index that keeps
// them, the vectors themselves where an image has one token, or the images.
package twostage
