//go:build !linux && !darwin

package model

import "io/fs"

// identify is not known here, so that every file is hashed.
func identify(fs.FileInfo) (identity, bool) { return identity{}, false }
