// Package copyindex moves the items of one store to another, of whatever engine:
// from the embedded one to Qdrant when an index has outgrown a machine, and back.
//
// Both stores yield their items in ascending order of id, so that one pass over
// the two, side by side, finds what the target lacks and what it has already.
// Copy writes the former, which makes it resumable without any record of its
// own, and Compare, the same pass without writing, proves the result.
package copyindex
