package nifti_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"

	"engram/data/nifti"
)

// tinyRun is a NIfTI-1 file of 2×1×1 voxels and three volumes of uint8.
func tinyRun() []byte {
	raw := make([]byte, 352, 358)
	binary.LittleEndian.PutUint32(raw, 348)
	for i, n := range []uint16{4, 2, 1, 1, 3} {
		binary.LittleEndian.PutUint16(raw[40+2*i:], n)
	}
	binary.LittleEndian.PutUint16(raw[70:], 2)
	copy(raw[344:], "n+1\x00")
	return append(raw, 10, 11, 20, 21, 30, 31)
}

func Example() {
	dir, err := os.MkdirTemp("", "nifti")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "bold.nii")
	if err := os.WriteFile(path, tinyRun(), 0o644); err != nil {
		fmt.Println(err)
		return
	}

	bold, err := nifti.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(bold.Shape, bold.Type)
	second := &nifti.Mask{Shape: [3]int{2, 1, 1}, Index: []int{1}}
	voxels, err := bold.Masked(second)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(voxels)
	// Output:
	// [2 1 1 3] uint8
	// [11 21 31]
}
