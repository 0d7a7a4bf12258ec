// Package flat finds the exact nearest rows by looking at every row.
//
// A scan reads one byte per element, the int8 codes, and not four: Quantise
// records with every row how far its code can mislead, so that the scan knows
// for each row an upper bound of its score. Only rows whose bound reaches the
// K-th best score found so far are scored again, in float32. The hits are
// therefore those of a float32 scan, to the bit; see Quantise for the proof.
//
// Rows without codes, and sets of rows too small to repay the detour, are
// scanned in float32.
package flat
