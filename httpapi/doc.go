// Package httpapi serves an index over HTTP: search by image, vector, item, brain
// scan or stored trial, items with their images, and a page that shows a query
// beside its results.
//
// A Server joins an index.Store with what turns a query into a vector: an
// Encoder for images and a Decoder for scans. Both are functions with a
// description, so that the package needs neither cgo nor ONNX Runtime. Every
// request goes through one table of routes, and every error through one table of
// problems (RFC 9457), so that a new route or a new failure is one line in one
// place. openapi.yaml specifies the interface; the tests validate every request and
// every answer against it.
//
// Scans are personal data: their values are never logged and never part of an
// address, and nothing that a visitor sends is kept after the answer, or after the job that it
// was sent for (package jobs).
package httpapi
