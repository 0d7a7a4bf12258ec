package nifti_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"engram/data/nifti"
)

// writeMask writes a mask of 2×2×2 voxels with the values.
func writeMask(t *testing.T, values ...float32) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mask.nii")
	layout := nifti.Layout{Shape: []int{2, 2, 2}, VoxelSize: [3]float32{2, 2, 2}}
	if err := nifti.WriteFile(path, layout, values); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMasksKeepWhatIsAboveZero(t *testing.T) {
	nan := float32(math.NaN())
	for name, test := range map[string]struct {
		values []float32
		labels nifti.Labels
		index  []int
		says   string
	}{
		"binary":                {[]float32{0, 1, 0, 0, 1, 0, 0, 0}, nifti.Labels{}, []int{1, 4}, "2 of 8 voxels"},
		"another number":        {[]float32{0, 255, 0, 0, 255, 0, 0, 0}, nifti.Labels{}, []int{1, 4}, "2 of 8 voxels"},
		"NSD's region":          {[]float32{-1, 1, -1, 0, 1, 0, 0, -1}, nifti.Labels{}, []int{1, 4}, "2 of 8 voxels, 3 negative left out"},
		"NaN outside the brain": {[]float32{nan, 1, nan, 0, 1, 0, 0, -1}, nifti.Labels{}, []int{1, 4}, "2 of 8 voxels, 1 negative left out, 2 NaN left out"},
		"probabilities":         {[]float32{.2, 1, 0, 0, .7, 0, 0, 0}, nifti.Labels{}, []int{0, 1, 4}, "3 of 8 voxels, all fractions above 0"},
		"one label of three":    {[]float32{0, 1, 2, 3, 2, 0, -1, 0}, nifti.Labels{Values: []int{2}}, []int{2, 4}, "2 of 8 voxels, 1 negative left out"},
		"two labels of three":   {[]float32{0, 1, 2, 3, 2, 0, 0, 0}, nifti.Labels{Values: []int{3, 1}}, []int{1, 3}, "2 of 8 voxels"},
		"all labels":            {[]float32{0, 1, 2, 3, 2, 0, 0, 0}, nifti.Labels{All: true}, []int{1, 2, 3, 4}, "4 of 8 voxels"},
	} {
		mask, err := nifti.OpenMask(writeMask(t, test.values...), test.labels)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !slices.Equal(mask.Index, test.index) || mask.String() != test.says {
			t.Errorf("%s: voxels %v, %q; want %v, %q", name, mask.Index, mask, test.index, test.says)
		}
	}
	for want, test := range map[string]struct {
		values []float32
		labels nifti.Labels
	}{
		"has the labels 1 (1 voxels), 2 (2 voxels); wanted a choice": {[]float32{0, 1, 2, 2, 0, 0, 0, -1}, nifti.Labels{}},
		"no voxel has the label 7, the mask has the labels 1 (1 vo":  {[]float32{0, 1, 2, 2, 0, 0, 0, -1}, nifti.Labels{Values: []int{1, 7}}},
		"the mask has no voxel above 0":                              {make([]float32, 8), nifti.Labels{Values: []int{1}}},
	} {
		if _, err := nifti.OpenMask(writeMask(t, test.values...), test.labels); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q in it", err, want)
		}
	}
}

// placed returns an image of 2×3×2×2 voxels whose header has the fields.
func placed(t *testing.T, fields map[int]any) string {
	t.Helper()
	content := bytes.Clone(find(t, "i2 < NIfTI-1").File)
	clear(content[76:108])  // pixdim
	clear(content[252:328]) // codes, quaternion, offset, rows
	for at, value := range fields {
		if _, err := binary.Encode(content[at:], binary.LittleEndian, value); err != nil {
			t.Fatal(err)
		}
	}
	return writeTemp(t, "a.nii", content)
}

// The affines are nibabel's of the same headers.
func TestGeometry(t *testing.T) {
	rows := [12]float32{-2, 0, 0, 90, 0, 2, 0, -126, 0, 0, 2, -72}
	half := float32(math.Sqrt(.5))
	for name, test := range map[string]struct {
		fields map[int]any
		want   nifti.Affine
		axes   string
	}{
		"sform": {map[int]any{254: int16(1), 280: rows}, nifti.Affine{{-2, 0, 0, 90}, {0, 2, 0, -126}, {0, 0, 2, -72}}, "LAS"},
		"sform before qform": {map[int]any{252: int16(1), 254: int16(4), 76: [4]float32{1, 1, 1, 1}, 280: rows},
			nifti.Affine{{-2, 0, 0, 90}, {0, 2, 0, -126}, {0, 0, 2, -72}}, "LAS"},
		"qform": {map[int]any{252: int16(1), 76: [4]float32{-1, 2, 3, 4}, 268: [3]float32{-10, -20, -30}},
			nifti.Affine{{2, 0, 0, -10}, {0, 3, 0, -20}, {0, 0, -4, -30}}, "RAI"},
		"qform about z": {map[int]any{252: int16(1), 76: [4]float32{1, 2, 3, 4}, 256: [3]float32{0, 0, half}},
			nifti.Affine{{0, -3, 0, 0}, {2, 0, 0, 0}, {0, 0, 4, 0}}, "ALS"},
		"neither":        {map[int]any{76: [4]float32{1, 2, 3, 4}}, nifti.Affine{}, ""},
		"an empty sform": {map[int]any{254: int16(1)}, nifti.Affine{}, ""},
	} {
		img, err := nifti.Open(placed(t, test.fields))
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range img.Geometry.Affine {
			for j, v := range row {
				if math.Abs(v-test.want[i][j]) > 1e-6 {
					t.Errorf("%s: affine %v, want %v", name, img.Geometry.Affine, test.want)
				}
			}
		}
		if img.Geometry.Known() && img.Geometry.Affine.Orientation() != test.axes {
			t.Errorf("%s: orientation %s, want %s", name, img.Geometry.Affine.Orientation(), test.axes)
		}
	}
}

// A mask of the right shape that lies elsewhere is no mask of the run.
func TestMasksMustLieWhereTheVolumesLie(t *testing.T) {
	rows := [12]float32{2, 0, 0, -90, 0, 2, 0, -126, 0, 0, 2, -72}
	with := func(change func(r *[12]float32)) map[int]any {
		changed := rows
		change(&changed)
		return map[int]any{254: int16(1), 280: changed}
	}
	for name, test := range map[string]struct {
		fields map[int]any
		want   string // in the error; "" where there is none
	}{
		"the same":          {with(func(*[12]float32) {}), ""},
		"rounded":           {with(func(r *[12]float32) { r[3] += .01 }), ""},
		"moved":             {with(func(r *[12]float32) { r[3] += 2 }), "RAS [2 0 0 -90; 0 2 0 -126; 0 0 2 -72] and RAS [2 0 0 -88; 0 2 0 -126; 0 0 2 -72] put a voxel 2 mm apart, at most 0.1 are accepted"},
		"flipped":           {with(func(r *[12]float32) { r[0], r[3] = -2, -88 }), "and LAS ["},
		"of larger voxels":  {with(func(r *[12]float32) { r[0], r[5], r[10] = 3, 3, 3 }), "apart"},
		"without a place":   {map[int]any{76: [4]float32{1, 2, 2, 2}}, ""},
		"only other voxels": {map[int]any{76: [4]float32{1, 3, 3, 3}}, "voxels of [2 2 2] and of [3 3 3] mm"},
	} {
		run := with(func(*[12]float32) {})
		run[76] = [4]float32{1, 2, 2, 2}
		img, err := nifti.Open(placed(t, run))
		if err != nil {
			t.Fatal(err)
		}
		other, err := nifti.Open(placed(t, test.fields))
		if err != nil {
			t.Fatal(err)
		}
		_, err = img.Masked(&nifti.Mask{Shape: [3]int{2, 3, 2}, Index: []int{1}, Geometry: other.Geometry})
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error is %v, want %q", name, err, test.want)
		}
	}
}
