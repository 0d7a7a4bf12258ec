// Package copyindex copies the items of one store to another store of any engine:
// from the embedded engine to Qdrant when an index has outgrown a machine, and
// back.
//
// Both stores yield their items in ascending order of id. One pass over the two,
// side by side, finds the items that the target does not have yet, so that a copy
// can be resumed without a record of its own. The same pass once more, without
// writing, proves the result.
package copyindex
