package nifti

import (
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"engram/data/internal/numeric"
	"engram/data/vfs"
)

// Layout describes an image to write.
type Layout struct {
	// Shape has the lengths of X, Y and Z and, for a run, the number of volumes.
	Shape []int
	// VoxelSize is the edge of a voxel along X, Y and Z in millimetres.
	VoxelSize [3]float32
	// Slope and Inter give the values of stored numbers: stored·Slope + Inter.
	// A Slope of 0 means that they are the values.
	Slope, Inter float32
}

// WriteFile writes a NIfTI-1 image, gzipped where path ends in .gz, replacing
// the file at path atomically. data is a slice of uint8, int16 or
// float32 with the stored numbers of all volumes, one volume after the other,
// each in C order as Image.Volumes yields them. The first voxel is at the
// origin of the scanner's axes.
func WriteFile(path string, layout Layout, data any) error {
	err := vfs.WriteFile(path, func(w io.Writer) error {
		if !strings.HasSuffix(path, ".gz") {
			return write(w, layout, data)
		}
		packed := gzip.NewWriter(w)
		return errors.Join(write(packed, layout, data), packed.Close())
	})
	if err != nil {
		return fmt.Errorf("nifti: %s: %w", path, err)
	}
	return nil
}

func write(w io.Writer, layout Layout, data any) error {
	switch data := data.(type) {
	case []uint8:
		return writeVoxels(w, layout, data, 2)
	case []int16:
		return writeVoxels(w, layout, data, 4)
	case []float32:
		return writeVoxels(w, layout, data, 16)
	}
	return fmt.Errorf("wanted a slice of uint8, int16 or float32, found %T", data)
}

// writeVoxels writes the header and the voxels in the order of the file, X
// fastest; code is the field datatype.
func writeVoxels[T uint8 | int16 | float32](w io.Writer, layout Layout, data []T, code uint16) error {
	if err := layout.check(len(data)); err != nil {
		return err
	}
	if _, err := w.Write(layout.header(code, 8*binary.Size(T(0)))); err != nil {
		return err
	}
	nx, ny, nz := layout.Shape[0], layout.Shape[1], layout.Shape[2]
	volume := make([]T, nx*ny*nz)
	for ; len(data) > 0; data = data[len(volume):] {
		for x := range nx {
			for y := range ny {
				for z := range nz {
					volume[(z*ny+y)*nx+x] = data[(x*ny+y)*nz+z]
				}
			}
		}
		if err := numeric.Write(w, volume); err != nil {
			return err
		}
	}
	return nil
}

// check returns what keeps the layout from fitting so many elements.
func (l Layout) check(elements int) error {
	if len(l.Shape) != 3 && len(l.Shape) != 4 {
		return fmt.Errorf("wanted 3 or 4 axes, found %s", numeric.ShapeString(l.Shape))
	}
	for _, n := range l.Shape {
		if n < 1 || n > math.MaxInt16 {
			return fmt.Errorf("an axis of %s is not 1 to %d long", numeric.ShapeString(l.Shape), math.MaxInt16)
		}
	}
	count, err := numeric.Count(l.Shape)
	if err != nil {
		return err
	}
	if count != elements {
		return fmt.Errorf("shape %s does not fit %d elements", numeric.ShapeString(l.Shape), elements)
	}
	for _, edge := range l.VoxelSize {
		if !(edge > 0) || edge > math.MaxFloat32 {
			return fmt.Errorf("voxels of %v mm, wanted a finite size above 0", l.VoxelSize)
		}
	}
	if sum := float64(l.Slope) + float64(l.Inter); math.IsNaN(sum) || math.IsInf(sum, 0) {
		return fmt.Errorf("slope %g and intercept %g, wanted finite numbers", l.Slope, l.Inter)
	}
	return nil
}

// header returns the NIfTI-1 header and the flag of no extensions; offsets as
// in nifti1.h.
func (l Layout) header(code uint16, bits int) []byte {
	raw := make([]byte, size1+4)
	order := binary.LittleEndian
	float := func(at int, v float32) { order.PutUint32(raw[at:], math.Float32bits(v)) }
	order.PutUint32(raw, size1)
	order.PutUint16(raw[40:], uint16(len(l.Shape))) // dim
	float(76, 1)                                    // pixdim: the axes are right-handed
	for i := range 7 {
		n, size := 1, float32(1)
		if i < len(l.Shape) {
			n = l.Shape[i]
		}
		if i < 3 {
			size = l.VoxelSize[i]
			float(280+20*i, size) // srow_x, srow_y, srow_z
		}
		order.PutUint16(raw[42+2*i:], uint16(n))
		float(80+4*i, size)
	}
	order.PutUint16(raw[70:], code)
	order.PutUint16(raw[72:], uint16(bits))
	float(108, size1+4) // vox_offset
	float(112, l.Slope)
	float(116, l.Inter)
	raw[123] = 2                  // xyzt_units: millimetres
	order.PutUint16(raw[254:], 1) // sform_code: scanner's axes
	copy(raw[344:], magicSingle1)
	return raw
}
