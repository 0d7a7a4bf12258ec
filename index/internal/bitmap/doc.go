// Package bitmap has indexes of payload fields: which rows of a segment have a
// value under a key. With them a filter becomes sets of rows before a payload is
// read (see Choose).
//
// An Index is of one Field of one segment and never changes. It maps values to the
// rows that have them, as sorted keys with Roaring bitmaps. Numbers have bitmaps of
// runs of values besides, so that a range is a union of few of them. An Index reads
// its encoding in place, which FORMAT.md of package disk lays out.
package bitmap
