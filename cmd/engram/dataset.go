package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"engram/data/images"
	"engram/data/nifti"
	"engram/data/npy"
	"engram/embed"
	"engram/embed/bundle"
	"engram/embed/pixels"
	"engram/embed/scan"

	"github.com/spf13/pflag"
	"gonum.org/v1/gonum/blas/blas32"
)

// datasetFlags name scans and what was seen in them.
type datasetFlags struct {
	voxels, mask, stimuli, targets, trials, column, bundle string
}

func (f *datasetFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.voxels, "voxels", "", "scans: a .npy `file` of [trials, voxels], or a NIfTI of one volume per trial with --mask")
	flags.StringVar(&f.mask, "mask", "", "NIfTI `file` whose voxels that are not zero are used")
	flags.StringVar(&f.stimuli, "stimuli", "", "images seen: a `folder`, in the order of the names, or a .npy file of uint8 [images, H, W] or [images, H, W, 3]")
	flags.StringVar(&f.targets, "targets", "", "instead of --stimuli, embeddings that --bundle made of the images: a .npy `file` of [images, D] or [images, T, D]")
	flags.StringVar(&f.trials, "trials", "", "CSV `file` with a header and a line per trial that says which image was seen (default: trial i saw image i)")
	flags.StringVar(&f.column, "column", "image", "column of --trials: the image's number from 0, or its path in the folder of stimuli")
	flags.StringVar(&f.bundle, "bundle", "", "`folder` of the model bundle that embeds the images (default pixels, the built-in one)")
}

// dataset is what a decoder is trained and scored on.
type dataset struct {
	scan.Data
	bundle *bundle.Bundle
}

// target names the space of the targets.
func (d *dataset) target() scan.Target {
	return scan.Target{Bundle: d.bundle.Fingerprint(), BundleName: bundleLabel(d.bundle)}
}

// openDataset reads the scans and embeds the images seen.
func (a *app) openDataset(ctx context.Context, f datasetFlags) (*dataset, error) {
	if (f.stimuli == "") == (f.targets == "") {
		return nil, errors.New("wanted one of --stimuli and --targets")
	}
	if f.bundle == "" {
		if f.targets != "" {
			return nil, errors.New("--targets needs --bundle: the decoder must know which model made the embeddings")
		}
		f.bundle = pixelsBundle
	}
	voxels, err := readMatrix(f.voxels, f.mask)
	if err != nil {
		return nil, err
	}
	b, err := a.openBundle(f.bundle)
	if err != nil {
		return nil, err
	}
	d := &dataset{Data: scan.Data{Voxels: voxels, T: b.T, D: b.D}, bundle: b}
	var names []string
	source := f.stimuli
	if f.targets != "" {
		source = f.targets
		d.Targets, err = readTargets(f.targets, b)
	} else {
		names, d.Targets, err = a.embedStimuli(ctx, f.stimuli, b)
	}
	if err != nil {
		return nil, err
	}
	if f.trials != "" {
		d.Images, err = readTrials(f.trials, f.column, names, d.Targets.Rows)
		source = f.trials
	} else {
		for i := range d.Targets.Rows {
			d.Images = append(d.Images, i)
		}
	}
	if err != nil {
		return nil, err
	}
	if len(d.Images) != voxels.Rows {
		return nil, fmt.Errorf("%s has %d trials, %s tells of %d (--trials says which image each trial saw)", f.voxels, voxels.Rows, source, len(d.Images))
	}
	return d, nil
}

// readMatrix reads rows of numbers, [n, d], from a .npy file or, with a mask,
// the volumes of a NIfTI image.
func readMatrix(path, mask string) (blas32.General, error) {
	var none blas32.General
	if isNIfTI(path) {
		return readVolumes(path, mask)
	}
	if mask != "" {
		return none, fmt.Errorf("%s is no NIfTI file, so that --mask has no use", path)
	}
	array, err := npy.ReadFile(path)
	if err != nil {
		return none, err
	}
	if len(array.Shape) != 2 || array.Shape[0] == 0 || array.Shape[1] == 0 {
		return none, fmt.Errorf("%s has shape %v, wanted rows of numbers: [n, d]", path, array.Shape)
	}
	return finite(path, array.Shape[0], array.Float32s())
}

// readVolumes reads the voxels of a mask from every volume of a NIfTI image.
func readVolumes(path, mask string) (blas32.General, error) {
	var none blas32.General
	if mask == "" {
		return none, fmt.Errorf("%s is a NIfTI file: say with --mask which voxels to use", path)
	}
	m, err := nifti.OpenMask(mask)
	if err != nil {
		return none, err
	}
	img, err := nifti.Open(path)
	if err != nil {
		return none, err
	}
	data, err := img.Masked(m)
	if err != nil {
		return none, err
	}
	if len(data) == 0 {
		return none, fmt.Errorf("%s with the mask %s has no voxels", path, mask)
	}
	return finite(path, img.NumVolumes(), data)
}

// isNIfTI tells by the name whether a file is a NIfTI image.
func isNIfTI(path string) bool {
	name := strings.TrimSuffix(strings.ToLower(path), ".gz")
	return slices.Contains([]string{".nii", ".hdr", ".img"}, filepath.Ext(name))
}

// finite returns data as a matrix of so many rows, or where it is not finite.
func finite(path string, rows int, data []float32) (blas32.General, error) {
	cols := len(data) / rows
	if i := embed.FirstNotFinite(data); i >= 0 {
		return blas32.General{}, fmt.Errorf("%s: element %d of row %d is %v: %w", path, i%cols, i/cols, data[i], embed.ErrNotFinite)
	}
	return blas32.General{Rows: rows, Cols: cols, Stride: cols, Data: data}, nil
}

// readRows reads the rows of a file that are asked for. Without a choice the
// file must have one row; a .npy file of one axis is one row.
func readRows(path, mask string, choice []int) ([][]float32, error) {
	if isNIfTI(path) || mask != "" {
		m, err := readMatrix(path, mask)
		if err != nil {
			return nil, err
		}
		return chooseRows(path, m.Rows, choice, func(i int) ([]float32, error) {
			return m.Data[i*m.Stride:][:m.Cols], nil
		})
	}
	file, err := npy.OpenRows(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	shape := file.Shape()
	switch {
	case len(shape) > 2 || slices.Contains(shape, 0):
		return nil, fmt.Errorf("%s has shape %v, wanted a row of numbers [d] or rows of them [n, d]", path, shape)
	case len(shape) == 1:
		return chooseRows(path, 1, choice, func(int) ([]float32, error) {
			row := make([]float32, shape[0])
			return row, file.Read(row, 0, len(row))
		})
	}
	return chooseRows(path, shape[0], choice, func(i int) ([]float32, error) {
		row := make([]float32, shape[1])
		return row, file.Read(row, i, 1)
	})
}

// chooseRows returns the chosen ones of n rows of the file at path, which must
// be finite.
func chooseRows(path string, n int, choice []int, read func(i int) ([]float32, error)) ([][]float32, error) {
	if len(choice) == 0 {
		if n > 1 {
			return nil, fmt.Errorf("%s has %d rows, choose with --row 0…%d", path, n, n-1)
		}
		choice = []int{0}
	}
	rows := make([][]float32, len(choice))
	for i, number := range choice {
		if number < 0 || number >= n {
			return nil, fmt.Errorf("%s has rows 0…%d, --row asks for %d", path, n-1, number)
		}
		row, err := read(number)
		if err != nil {
			return nil, err
		}
		if at := embed.FirstNotFinite(row); at >= 0 {
			return nil, fmt.Errorf("%s: element %d of row %d is %v: %w", path, at, number, row[at], embed.ErrNotFinite)
		}
		rows[i] = row
	}
	return rows, nil
}

// readTargets reads embeddings of the bundle b as rows of T·D elements.
func readTargets(path string, b *bundle.Bundle) (blas32.General, error) {
	array, err := npy.ReadFile(path)
	if err != nil {
		return blas32.General{}, err
	}
	fits := len(array.Shape) > 1 && array.Shape[0] > 0 && array.Shape[len(array.Shape)-1] == b.D &&
		(len(array.Shape) == 2 && b.T == 1 || len(array.Shape) == 3 && array.Shape[1] == b.T)
	if !fits {
		return blas32.General{}, fmt.Errorf("%s has shape %v, the bundle %s gives %d token(s) of %d elements", path, array.Shape, bundleLabel(b), b.T, b.D)
	}
	return finite(path, array.Shape[0], array.Float32s())
}

// readTrials reads which image each trial saw, as row numbers of n images that
// may have names.
func readTrials(path, column string, names []string, n int) ([]int, error) {
	records, err := readColumn(path, column)
	if err != nil {
		return nil, err
	}
	places := make(map[string]int, len(names))
	for i, name := range names {
		places[name] = i
	}
	seen := make([]int, len(records))
	for i, text := range records {
		place, named := places[text]
		if !named {
			if place, err = strconv.Atoi(text); err != nil || place < 0 || place >= n {
				return nil, fmt.Errorf("%s: line %d: %q is not one of the %d images, wanted 0…%d or a path in the folder of stimuli", path, i+2, text, n, n-1)
			}
		}
		seen[i] = place
	}
	return seen, nil
}

// readColumn reads one column of a CSV file with a header.
func readColumn(path, column string) ([]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	r := csv.NewReader(file)
	r.ReuseRecord = true
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("%s: wanted a header: %w", path, err)
	}
	place := slices.Index(header, column)
	if place < 0 {
		return nil, fmt.Errorf("%s has no column %q, it has %s (see --column)", path, column, strings.Join(header, ", "))
	}
	var values []string
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		values = append(values, strings.Clone(strings.TrimSpace(record[place])))
	}
}

// stimuli are the images that were seen, read one at a time.
type stimuli struct {
	names []string // of a folder; nil for an array
	count int
	read  func(i int) (*pixels.Image, error)
	io.Closer
}

func openStimuli(path string) (*stimuli, error) {
	if strings.HasSuffix(strings.ToLower(path), ".npy") {
		return openStimulusArray(path)
	}
	s := &stimuli{Closer: io.NopCloser(nil)} // a folder is not held open
	for file, err := range images.Files(path) {
		if err != nil {
			return nil, err
		}
		s.names = append(s.names, file.Path)
	}
	s.count = len(s.names)
	s.read = func(i int) (*pixels.Image, error) {
		return decodeFile(filepath.Join(path, filepath.FromSlash(s.names[i])))
	}
	return s, nil
}

// openStimulusArray opens a .npy file of grey or RGB images.
func openStimulusArray(path string) (*stimuli, error) {
	rows, err := npy.OpenRows(path)
	if err != nil {
		return nil, err
	}
	shape := rows.Shape()
	rgb := len(shape) == 4 && shape[3] == 3
	if !rgb && len(shape) != 3 {
		return nil, errors.Join(fmt.Errorf("%s has shape %v, wanted [images, H, W] or [images, H, W, 3]", path, shape), rows.Close())
	}
	h, w := shape[1], shape[2]
	channels := 1
	if rgb {
		channels = 3
	}
	values := make([]float32, h*w*channels)
	read := func(i int) (*pixels.Image, error) {
		if err := rows.Read(values, i, 1); err != nil {
			return nil, err
		}
		img := &pixels.Image{W: w, H: h, Pix: make([]byte, 3*h*w)}
		for p := range img.Pix {
			v := values[p/3*channels+p%3%channels]
			if v != float32(byte(v)) {
				return nil, fmt.Errorf("%s: image %d has the value %v, wanted 0…255", path, i, v)
			}
			img.Pix[p] = byte(v)
		}
		return img, nil
	}
	return &stimuli{count: shape[0], read: read, Closer: rows}, nil
}

// embedStimuli returns the names of the stimuli, if they have names, and their
// tokens, [images, T·D].
func (a *app) embedStimuli(ctx context.Context, path string, b *bundle.Bundle) (_ []string, _ blas32.General, err error) {
	var none blas32.General
	s, err := openStimuli(path)
	if err != nil {
		return nil, none, err
	}
	defer closeInto(&err, s)
	if s.count == 0 {
		return nil, none, fmt.Errorf("%s has no images", path)
	}
	m, err := a.openModel(ctx, b)
	if err != nil {
		return nil, none, err
	}
	defer closeInto(&err, m)

	bar := a.newProgress("embedding stimuli", "images")
	defer bar.finish()
	width := b.T * b.D
	targets := blas32.General{Rows: s.count, Cols: width, Stride: width, Data: make([]float32, s.count*width)}
	bar.set(0, int64(s.count))
	const batch = 16
	for from := 0; from < s.count; from += batch {
		var images []*pixels.Image
		for i := from; i < min(from+batch, s.count); i++ {
			img, err := s.read(i)
			if err != nil {
				return nil, none, err
			}
			images = append(images, img)
		}
		tokens, err := m.EncodeTokens(ctx, images)
		if err != nil {
			return nil, none, fmt.Errorf("%s: %w", path, err)
		}
		for i := range tokens {
			copy(targets.Data[(from+i)*width:], tokens[i].Data)
		}
		bar.set(int64(from+len(images)), int64(s.count))
	}
	return s.names, targets, nil
}
