// Package catalogue is the list of published models that the binary knows by short
// names: where each is published, at which commit, with which hashes, under which
// licence, and what it is good for.
//
// An entry is pinned by a commit. Repository.Files has the size and the SHA-256 of the
// files for which they were established from independent sources; they are checked
// against what the hub lists, and then against what arrives. Every other file of the
// commit is checked against the hash that the hub itself lists for the commit. No hash
// here is a guess. NOTES.md says which models were left out and why.
package catalogue
