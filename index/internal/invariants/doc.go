// Package invariants checks, in tests, what must always hold between the parts of
// the index. Its checks are compiled in with the build tag invariants alone:
//
//	go test -tags invariants ./index/...
//
// A check costs at most what reading the ids of a segment does.
package invariants
