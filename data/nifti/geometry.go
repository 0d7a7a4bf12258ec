package nifti

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// Affine maps a voxel's indices (x, y, z, 1) to millimetres in the scanner: the
// first three rows of the matrix. X grows to the right, Y to the front, Z upwards.
type Affine [3][4]float64

// Geometry says where the voxels of a volume lie.
type Geometry struct {
	// Affine is the header's sform or, without one, its qform, as nibabel chooses.
	// It is zero where the header has neither.
	Affine Affine `json:"affine"`
	// VoxelSize is the header's pixdim in millimetres, 0 where it says nothing.
	VoxelSize [3]float64 `json:"voxel_size"`
}

// Known reports whether the header says where the voxels lie.
func (g Geometry) Known() bool { return g.Affine != Affine{} }

// at returns the place of a voxel in millimetres.
func (a Affine) at(x, y, z float64) (place [3]float64) {
	for i, row := range a {
		place[i] = row[0]*x + row[1]*y + row[2]*z + row[3]
	}
	return place
}

// edge returns the length of the shortest edge of a voxel in millimetres.
func (a Affine) edge() float64 {
	shortest := math.Inf(1)
	for axis := range 3 {
		shortest = min(shortest, math.Hypot(math.Hypot(a[0][axis], a[1][axis]), a[2][axis]))
	}
	return shortest
}

// Orientation names where the axes X, Y and Z of the file point, as in "RAS":
// right or left, anterior or posterior, superior or inferior.
func (a Affine) Orientation() string {
	var name strings.Builder
	for axis := range 3 {
		largest := 0
		for row := range 3 {
			if math.Abs(a[row][axis]) > math.Abs(a[largest][axis]) {
				largest = row
			}
		}
		letters := [3]string{"LR", "PA", "IS"}[largest]
		if a[largest][axis] > 0 {
			name.WriteByte(letters[1])
		} else {
			name.WriteByte(letters[0])
		}
	}
	return name.String()
}

// String writes the orientation and the rows, as in "RAS [2 0 0 -90; …]".
func (a Affine) String() string {
	var rows []string
	for _, row := range a {
		var numbers []string
		for _, v := range row {
			numbers = append(numbers, fmt.Sprintf("%.6g", v))
		}
		rows = append(rows, strings.Join(numbers, " "))
	}
	return fmt.Sprintf("%s [%s]", a.Orientation(), strings.Join(rows, "; "))
}

// tolerance is how far apart the same voxel of two volumes may lie, in edges of a
// voxel. Programs round affines to float32, and qforms to quaternions.
const tolerance = .05

// Differs says how the places of the voxels of two volumes of one shape differ, and
// is "" where they agree: where the voxels in the corners lie within a twentieth
// of a voxel's edge. Without both affines the sizes of the voxels are compared, as
// far as they are known, within 1 %.
func (g Geometry) Differs(other Geometry, shape [3]int) string {
	if !g.Known() || !other.Known() {
		for axis, a := range g.VoxelSize {
			if b := other.VoxelSize[axis]; a > 0 && b > 0 && math.Abs(a-b) > .01*min(a, b) {
				return fmt.Sprintf("voxels of %.4g and of %.4g mm", g.VoxelSize, other.VoxelSize)
			}
		}
		return ""
	}
	var apart float64
	for corner := range 8 {
		var index [3]float64
		for axis := range index {
			index[axis] = float64((corner >> axis & 1) * (shape[axis] - 1))
		}
		a, b := g.Affine.at(index[0], index[1], index[2]), other.Affine.at(index[0], index[1], index[2])
		apart = max(apart, math.Hypot(math.Hypot(a[0]-b[0], a[1]-b[1]), a[2]-b[2]))
	}
	accepted := tolerance * min(g.Affine.edge(), other.Affine.edge())
	if apart <= accepted {
		return ""
	}
	return fmt.Sprintf("the affines %s and %s put a voxel %.3g mm apart, at most %.2g are accepted", g.Affine, other.Affine, apart, accepted)
}

// fields are the places of a header's fields that say where voxels lie.
type fields struct {
	pixdim, quaternion, offset, rows int // bytes from the front
	size                             int // bytes of a number
	float                            func(at int) float64
	code                             func(i int) bool // qform_code, sform_code above 0
}

// fields1 returns the fields of a NIfTI-1 header; offsets as in nifti1.h.
func fields1(raw []byte, order binary.ByteOrder) fields {
	return fields{
		pixdim: 76, quaternion: 256, offset: 268, rows: 280, size: 4,
		float: func(at int) float64 { return float64(math.Float32frombits(order.Uint32(raw[at:]))) },
		code:  func(i int) bool { return int16(order.Uint16(raw[252+2*i:])) > 0 },
	}
}

// fields2 returns the fields of a NIfTI-2 header; offsets as in nifti2.h.
func fields2(raw []byte, order binary.ByteOrder) fields {
	return fields{
		pixdim: 104, quaternion: 352, offset: 376, rows: 400, size: 8,
		float: func(at int) float64 { return math.Float64frombits(order.Uint64(raw[at:])) },
		code:  func(i int) bool { return int32(order.Uint32(raw[344+4*i:])) > 0 },
	}
}

// geometry reads the sform, or the qform, or neither. Numbers that are not finite
// and matrices without a volume count as absent.
func (f fields) geometry() Geometry {
	var g Geometry
	for axis := range 3 {
		if size := math.Abs(f.float(f.pixdim + (1+axis)*f.size)); size < math.MaxFloat32 { // and not NaN
			g.VoxelSize[axis] = size
		}
	}
	const qform, sform = 0, 1
	if f.code(sform) {
		g.Affine = f.sform()
	}
	if !g.Known() && f.code(qform) {
		g.Affine = f.qform(g.VoxelSize)
	}
	return g
}

func (f fields) sform() (a Affine) {
	for i := range a {
		for j := range a[i] {
			a[i][j] = f.float(f.rows + (4*i+j)*f.size)
		}
	}
	return a.checked()
}

// qform returns the matrix of the quaternion (nifti1.h, "METHOD 2").
func (f fields) qform(size [3]float64) Affine {
	b, c, d := f.float(f.quaternion), f.float(f.quaternion+f.size), f.float(f.quaternion+2*f.size)
	a := math.Sqrt(max(0, 1-b*b-c*c-d*d))
	if f.float(f.pixdim) < 0 { // qfac: the Z axis is reversed
		size[2] = -size[2]
	}
	rotation := [3][3]float64{
		{a*a + b*b - c*c - d*d, 2*b*c - 2*a*d, 2*b*d + 2*a*c},
		{2*b*c + 2*a*d, a*a + c*c - b*b - d*d, 2*c*d - 2*a*b},
		{2*b*d - 2*a*c, 2*c*d + 2*a*b, a*a + d*d - b*b - c*c},
	}
	var out Affine
	for i := range out {
		for j := range 3 {
			out[i][j] = rotation[i][j] * size[j]
		}
		out[i][3] = f.float(f.offset + i*f.size)
	}
	return out.checked()
}

// checked returns the zero Affine for one that maps no volume.
func (a Affine) checked() Affine {
	determinant := a[0][0]*(a[1][1]*a[2][2]-a[1][2]*a[2][1]) -
		a[0][1]*(a[1][0]*a[2][2]-a[1][2]*a[2][0]) +
		a[0][2]*(a[1][0]*a[2][1]-a[1][1]*a[2][0])
	if determinant == 0 {
		return Affine{}
	}
	for _, row := range a {
		for _, v := range row {
			if math.IsNaN(v) || math.Abs(v) > math.MaxFloat32 {
				return Affine{}
			}
		}
	}
	return a
}
