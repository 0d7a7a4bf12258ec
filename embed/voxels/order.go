package voxels

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"engram/data/nifti"
)

// ErrOther reports that a scan has other voxels than the decoder.
var ErrOther = errors.New("other voxels")

// The sources of an Order.
const (
	FromMask  = "mask"
	FromArray = "array"
)

// Order is what is known of the voxels in the columns of a matrix, [trials, Count].
// The zero Order stands for voxels that were not recorded.
type Order struct {
	Source string `json:"source"` // FromMask or FromArray
	Count  int    `json:"count"`
	// Fingerprint is the hexadecimal SHA-256 of Count and, for a mask, of the shape
	// of the volume and the positions in the order of the columns, each as a
	// little-endian 64-bit number.
	Fingerprint string `json:"fingerprint"`
	// Shape and Geometry are the volume's, zero for an array.
	Shape    [3]int         `json:"shape,omitzero"`
	Geometry nifti.Geometry `json:"geometry,omitzero"`
}

// OfMask returns the order of the voxels that a mask chooses.
func OfMask(m *nifti.Mask) Order {
	numbers := []int{len(m.Index), m.Shape[0], m.Shape[1], m.Shape[2]}
	return Order{
		Source: FromMask, Count: len(m.Index), Fingerprint: fingerprint(append(numbers, m.Index...)),
		Shape: m.Shape, Geometry: m.Geometry,
	}
}

// OfArray returns the order of the columns of an array.
func OfArray(count int) Order {
	return Order{Source: FromArray, Count: count, Fingerprint: fingerprint([]int{count})}
}

func fingerprint(numbers []int) string {
	bytes := make([]byte, 0, 8*len(numbers))
	for _, n := range numbers {
		bytes = binary.LittleEndian.AppendUint64(bytes, uint64(n))
	}
	sum := sha256.Sum256(bytes)
	return hex.EncodeToString(sum[:])
}

// Known reports whether the voxels were recorded.
func (o Order) Known() bool { return o.Fingerprint != "" }

// Check compares a decoder's voxels, o, with the voxels of a scan. It returns an
// error that wraps ErrOther where they differ, and else one line that says what was
// compared.
func (o Order) Check(scan Order) (compared string, err error) {
	if o.Known() && scan.Known() && o.Count != scan.Count {
		return "", fmt.Errorf("the decoder reads %d voxels, the scan has %d: %w", o.Count, scan.Count, ErrOther)
	}
	number := fmt.Sprintf("only their number, %d, was compared", scan.Count)
	switch {
	case !o.Known():
		return "the decoder does not record which voxels it reads; " + number, nil
	case o.Source != FromMask && scan.Source != FromMask:
		return "voxels of arrays have no mask; " + number, nil
	case o.Source != FromMask:
		return "the decoder was trained on an array without a mask; " + number, nil
	case scan.Source != FromMask:
		return "the scan is an array without a mask; " + number, nil
	case o.Shape != scan.Shape:
		return "", fmt.Errorf("the decoder's mask is of %d×%d×%d voxels, the scan's of %d×%d×%d: %w",
			o.Shape[0], o.Shape[1], o.Shape[2], scan.Shape[0], scan.Shape[1], scan.Shape[2], ErrOther)
	case o.Fingerprint != scan.Fingerprint:
		return "", fmt.Errorf("the decoder reads %d voxels of another mask (%.12s, the scan's is %.12s): %w",
			o.Count, o.Fingerprint, scan.Fingerprint, ErrOther)
	}
	if different := o.Geometry.Differs(scan.Geometry, o.Shape); different != "" {
		return "", fmt.Errorf("the decoder's scans and this scan do not lie in one place: %s: %w", different, ErrOther)
	}
	return fmt.Sprintf("the scan has the decoder's mask of %d voxels (%.12s)", o.Count, o.Fingerprint), nil
}
