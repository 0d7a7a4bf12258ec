package nifti_test

import "testing"

// Whatever is read has as many voxels as its shape says, within the limit.
func FuzzRead(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(g.File)
	}
	f.Fuzz(func(t *testing.T, content []byte) { checkSizes(t, content) })
}
