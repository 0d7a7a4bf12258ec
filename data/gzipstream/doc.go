// Package gzipstream unpacks gzip as gunzip and nibabel do: every member of a
// stream, and not what follows the last one.
//
// Tapes, tar and some archives pad a file with zeros, and some tools append a few
// bytes of their own. compress/gzip takes such bytes for a broken header. Here the
// stream ends before them, and Reader.Trailing counts them, so that the caller can
// say so. Checksums of all members are compared.
package gzipstream
