// Package images lists the photos of a folder, so that they can be indexed: in
// an order that does not change from run to run, each with an id that does not
// change when other photos come or go.
//
// A file that is called as an image is taken for one, and its decoder sees whether
// it is. A file whose name does not tell is opened, and its first bytes do: see
// Sniff.
package images
