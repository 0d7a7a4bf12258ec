// Package indextest states as tests what the methods of index.Store mean.
// Every engine runs Contract on itself, so that one can take another's place.
package indextest
