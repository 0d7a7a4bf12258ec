// Package verify checks a store from the outside: whether its items are complete,
// ordered and finite, whether embedding the original images again gives the stored
// vectors, and whether its search finds what an exact search finds.
//
// It uses the interface index.Store alone, so that every engine is checked alike.
// An engine that keeps files with checksums has a method Verify, which is called
// first. Digest is the fingerprint of a store's ids and payloads, to compare two
// stores on two machines.
package verify
