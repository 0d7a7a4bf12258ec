// Package space names embedding spaces. Vectors can be compared only where one
// model made them all, so that everything that keeps or makes vectors (an index,
// a model, a decoder, a file of embeddings) says which Space they are of, and
// whatever joins two of them calls Check first.
package space
