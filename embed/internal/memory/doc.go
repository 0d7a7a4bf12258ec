// Package memory tells how much memory this program can still use, so that work that
// cannot fit is refused before it begins.
package memory
