// Package verify checks a store from the outside: whether what it hands out is
// whole, ordered and finite, whether vectors are those of what they were made
// from, and whether its search finds what an exact one does.
//
// It knows stores only as index.Store, so that every engine is checked alike;
// an engine that keeps files, and so has checksums to compare, says so by a
// method Verify. Digest is the fingerprint of a store's ids and payloads, by
// which two stores on two machines are compared.
package verify
