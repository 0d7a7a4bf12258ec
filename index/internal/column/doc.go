// Package column is the memory layout of rows: unit vectors in ascending order
// of id, column by column, with their int8 codes.
//
// Quantise is the only definition of the codes: one byte for each element, a
// scale and the length of the residual for each row. A Query is a query vector
// coded in the same way, with the error bound of its scores; see Quantise for
// the proof.
//
// A Searcher finds rows. Package flat is the one that looks at every row.
package column
