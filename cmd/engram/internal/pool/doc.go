// Package pool lends what is costly to keep open, such as models, to many at a time, and
// keeps a few of them open.
package pool
