// Package images lists the photos of a folder, so that they can be indexed: in
// an order that does not change from run to run, each with an id that does not
// change when other photos come or go.
//
// Files are named by their ending; nothing is opened here. Whether a file is
// an image is seen when it is decoded.
package images
