package dataset

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"engram/data/nifti"
	"engram/data/npy"
	"engram/embed"
	"engram/embed/voxels"

	"gonum.org/v1/gonum/blas/blas32"
)

// Recording names a file of scans.
type Recording struct {
	// Path is a .npy file of [trials, voxels], or a NIfTI image of one volume for each
	// trial, or a pattern of several of them, which follow each other (pattern.Paths).
	Path string
	Mask string // NIfTI image whose voxels above 0 are used; "" for a .npy file
	// Labels are the values of Mask that are used, such as "1,2,5-7", or "all"; "" for
	// a mask of one value.
	Labels string
}

// Voxels are the scans of an open recording. A .npy file stays on the disk and is
// read scan by scan; the voxels of a mask are held in memory. Reading is safe for
// concurrent use.
type Voxels struct {
	Trials, Count int          // scans, and voxels of each
	Order         voxels.Order // which voxels they are
	// Warnings are what is odd about the files, one sentence each.
	Warnings []string

	about  string // path, and what a mask chooses
	path   string
	shape  []int
	data   []float32                           // all scans, where they are in memory
	read   func(dst []float32, from int) error // as many scans as dst holds
	closer io.Closer
}

// pieceElements is how many voxels are read at a time: 16 MB.
const pieceElements = 4 << 20

// Open opens the recording. A mask must lie where the scans lie.
func (r Recording) Open() (*Voxels, error) {
	if runs, err := r.openRuns(); runs != nil || err != nil {
		return runs, err
	}
	if isNIfTI(r.Path) {
		return r.openVolumes()
	}
	if r.Mask != "" || r.Labels != "" {
		return nil, fmt.Errorf("%s is no NIfTI file, so that the mask has no use", r.Path)
	}
	file, err := npy.OpenRows(r.Path)
	if err != nil {
		return nil, err
	}
	v := &Voxels{path: r.Path, about: r.Path, shape: file.Shape(), closer: file}
	switch {
	case len(v.shape) > 2 || slices.Contains(v.shape, 0):
		return nil, fmt.Errorf("%s has shape %v, wanted a row of numbers [d] or rows of them [n, d]", r.Path, v.shape)
	case len(v.shape) == 1: // one scan
		v.Trials, v.Count = 1, v.shape[0]
		v.read = func(dst []float32, _ int) error { return file.Read(dst, 0, len(dst)) }
	default:
		v.Trials, v.Count = v.shape[0], v.shape[1]
		v.read = func(dst []float32, from int) error { return file.Read(dst, from, len(dst)/v.Count) }
	}
	v.Order = voxels.OfArray(v.Count)
	return v, nil
}

// openVolumes reads the voxels of a mask from every volume of a NIfTI image.
func (r Recording) openVolumes() (*Voxels, error) {
	if r.Mask == "" {
		return nil, fmt.Errorf("%s is a NIfTI file, which needs a mask that says which voxels to use", r.Path)
	}
	labels, err := parseLabels(r.Labels)
	if err != nil {
		return nil, err
	}
	mask, err := nifti.OpenMask(r.Mask, labels)
	if err != nil {
		return nil, err
	}
	img, err := nifti.Open(r.Path)
	if err != nil {
		return nil, err
	}
	data, err := img.Masked(mask)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		return nil, fmt.Errorf("%s with the mask %s has no voxels", r.Path, r.Mask)
	}
	v := &Voxels{
		Trials: img.NumVolumes(), Count: len(mask.Index), Order: voxels.OfMask(mask),
		path: r.Path, about: fmt.Sprintf("%s by %s, %s", r.Path, r.Mask, mask), shape: []int{img.NumVolumes(), len(mask.Index)}, data: data,
		read:   func(dst []float32, from int) error { copy(dst, data[from*len(mask.Index):]); return nil },
		closer: io.NopCloser(nil), // everything is in memory
	}
	for path, bytes := range map[string]int64{r.Path: img.Trailing(), r.Mask: mask.Trailing} {
		if bytes > 0 {
			v.Warnings = append(v.Warnings, fmt.Sprintf("%s: %d bytes after the last voxel are left out", path, bytes))
		}
	}
	if !img.Geometry.Known() || !mask.Geometry.Known() {
		v.Warnings = append(v.Warnings, fmt.Sprintf("%s and %s: not both say where their voxels lie, so that only shape and voxel size were compared", r.Path, r.Mask))
	}
	return v, nil
}

// parseLabels reads a choice of labels such as "1,2,5-7", or "all".
func parseLabels(text string) (labels nifti.Labels, err error) {
	if text == "" || text == "all" {
		return nifti.Labels{All: text == "all"}, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		from, fromErr := strconv.Atoi(first)
		to, toErr := strconv.Atoi(last)
		if fromErr != nil || toErr != nil || from < 1 || to < from || to-from > 1<<16 {
			return labels, fmt.Errorf("--labels has %q, wanted labels above 0 such as 1,2,5-7, or all", part)
		}
		for label := from; label <= to; label++ {
			labels.Values = append(labels.Values, label)
		}
	}
	return labels, nil
}

// NIfTI tells by the name whether the scans are NIfTI images, which need a mask.
func (r Recording) NIfTI() bool { return isNIfTI(r.Path) }

// isNIfTI tells by the name whether a file is a NIfTI image.
func isNIfTI(path string) bool {
	name := strings.TrimSuffix(strings.ToLower(path), ".gz")
	return slices.Contains([]string{".nii", ".hdr", ".img"}, filepath.Ext(name))
}

// Row returns scan i, which must be finite.
func (v *Voxels) Row(i int) ([]float32, error) {
	row := make([]float32, v.Count)
	if err := v.read(row, i); err != nil {
		return nil, err
	}
	if at := embed.FirstNotFinite(row); at >= 0 {
		return nil, fmt.Errorf("%s: element %d of row %d is %v: %w", v.path, at, i, row[at], embed.ErrNotFinite)
	}
	return row, nil
}

// Rows returns the scans that are asked for, counted from 0. Without a choice there
// must be one.
func (v *Voxels) Rows(choice []int) ([][]float32, error) {
	if len(choice) == 0 {
		if v.Trials > 1 {
			return nil, fmt.Errorf("%s has %d rows, choose among rows 0…%d", v.path, v.Trials, v.Trials-1)
		}
		choice = []int{0}
	}
	rows := make([][]float32, len(choice))
	for i, number := range choice {
		if number < 0 || number >= v.Trials {
			return nil, fmt.Errorf("%s has rows 0…%d, not row %d", v.path, v.Trials-1, number)
		}
		var err error
		if rows[i], err = v.Row(number); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// Pick returns the scans that are asked for, counted from 0, [len(choice), Count], and reads
// no others.
func (v *Voxels) Pick(choice []int) (blas32.General, error) {
	m := blas32.General{Rows: len(choice), Cols: v.Count, Stride: v.Count, Data: make([]float32, len(choice)*v.Count)}
	for i, number := range choice {
		if number < 0 || number >= v.Trials {
			return m, fmt.Errorf("%s has rows 0…%d, not row %d", v.path, v.Trials-1, number)
		}
		if err := v.read(m.Data[i*v.Count:][:v.Count], number); err != nil {
			return m, err
		}
	}
	return m, checkFinite(v.path, m)
}

// Matrix returns all scans, [Trials, Count]. Do not change them.
func (v *Voxels) Matrix(ctx context.Context) (blas32.General, error) {
	if len(v.shape) != 2 {
		return blas32.General{}, fmt.Errorf("%s has shape %v, wanted rows of numbers: [n, d]", v.path, v.shape)
	}
	m := blas32.General{Rows: v.Trials, Cols: v.Count, Stride: v.Count, Data: v.data}
	if m.Data == nil {
		m.Data = make([]float32, v.Trials*v.Count)
		some := max(1, pieceElements/v.Count)
		for from := 0; from < v.Trials; from += some {
			if err := ctx.Err(); err != nil {
				return blas32.General{}, err
			}
			if err := v.read(m.Data[from*v.Count:min(from+some, v.Trials)*v.Count], from); err != nil {
				return blas32.General{}, err
			}
		}
	}
	if err := ctx.Err(); err != nil {
		return blas32.General{}, err
	}
	return m, checkFinite(v.path, m)
}

// String says in one line what was opened.
func (v *Voxels) String() string {
	return fmt.Sprintf("%s: %d trials of %d voxels", v.about, v.Trials, v.Count)
}

// Close releases the file.
func (v *Voxels) Close() error { return v.closer.Close() }
