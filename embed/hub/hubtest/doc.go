// Package hubtest plays the Hugging Face hub for tests, on two listeners of this
// machine: the endpoint, and the other host to which the hub redirects for large
// files. Tests decide by Server.Fault what goes wrong.
//
// It answers what a client of package hub asks for: the list of a revision's files
// with sizes and hashes, and files by GET and HEAD, with ranges. Licences, gated and
// private repositories and renamed ones answer as the hub does.
package hubtest
