// Package flat finds the exact nearest rows by looking at every row.
//
// A scan reads one byte per element, the int8 codes, and not four: Quantise
// records with every row how far its code can mislead, so that the scan knows
// for each row an upper bound of its score. Only rows whose bound reaches the
// K-th best score found so far are scored again, in float32. A
// float32 scan would find the same hits with the same scores, to the bit; see
// column.Quantise for the proof.
//
// A filter, which reads payloads and so costs more than a score, is asked last:
// only about rows whose bound reaches the K-th best score that any goroutine has
// found. The smaller the fraction that it chooses, the more rows those are; at
// worst it is asked once about every row, in the order in which they lie.
//
// Batch answers many queries in one pass: each row's code is multiplied with the codes
// of up to 512 queries while it is in the cache, 32 queries by one instruction.
//
// Rows without codes, and sets of rows too small to repay the detour, are
// scanned in float32.
package flat
