// Package query reads a search from a request: its parts, which may be text, an image, a
// vector, a scan, an item or a stored trial, and its options. It knows the forms that a body
// may have, and neither index nor models.
package query
