// Package index is the vocabulary of retrieval: an Item is a vector with an id
// and a payload, a Query asks for the K items nearest to a vector among those
// that a Filter chooses, a Hit answers it, and a Store keeps the items.
//
// The package has no engine of its own. index/local is the embedded engine,
// index/qdrant the one on a server, and index/open picks one by an address;
// indextest is the contract that both pass. index/results makes pages, groups and
// diverse or deduplicated hits of the ranking of any engine.
package index
