package dataset

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"engram/data/images"
	"engram/data/npy"
	"engram/data/pattern"
	"engram/data/progress"
	"engram/embed"
	"engram/embed/pixels"

	"gonum.org/v1/gonum/blas/blas32"
)

// Stimuli are the images that were seen, read one at a time. They are not safe
// for concurrent use.
type Stimuli struct {
	Names []string // paths in the folder, slash-separated; nil for an array
	Count int

	path  string
	read  func(ctx context.Context, i int) (*pixels.Image, error)
	close func() error
}

// Read returns image i, counted from 0.
func (s *Stimuli) Read(ctx context.Context, i int) (*pixels.Image, error) { return s.read(ctx, i) }

// Close releases the file.
func (s *Stimuli) Close() error { return s.close() }

// OpenStimuli opens the images of a folder, in the natural order of their names
// (pattern.Compare: 2.png comes before 10.png), or a .npy file of 8-bit grey or RGB
// images, [images, H, W] or [images, H, W, 3]. There is at least one image.
func OpenStimuli(path string) (*Stimuli, error) {
	if strings.HasSuffix(strings.ToLower(path), ".npy") {
		return openStimulusArray(path)
	}
	s := &Stimuli{path: path, close: func() error { return nil }} // a folder is not held open
	for file, err := range images.Files(path) {
		if err != nil {
			return nil, err
		}
		s.Names = append(s.Names, file.Path)
	}
	slices.SortFunc(s.Names, pattern.Compare)
	s.Count = len(s.Names)
	if s.Count == 0 {
		return nil, fmt.Errorf("%s has no images", path)
	}
	s.read = func(ctx context.Context, i int) (*pixels.Image, error) {
		return pixels.DecodeFile(ctx, filepath.Join(path, filepath.FromSlash(s.Names[i])), pixels.Limits{})
	}
	return s, nil
}

// openStimulusArray opens a .npy file of grey or RGB images.
func openStimulusArray(path string) (*Stimuli, error) {
	rows, err := npy.OpenRows(path)
	if err != nil {
		return nil, err
	}
	shape := rows.Shape()
	rgb := len(shape) == 4 && shape[3] == 3
	if !rgb && len(shape) != 3 {
		return nil, errors.Join(fmt.Errorf("%s has shape %v, wanted [images, H, W] or [images, H, W, 3]", path, shape), rows.Close())
	}
	if slices.Contains(shape, 0) {
		return nil, errors.Join(fmt.Errorf("%s has shape %v and so no images", path, shape), rows.Close())
	}
	h, w := shape[1], shape[2]
	channels := 1
	if rgb {
		channels = 3
	}
	values := make([]float32, h*w*channels)
	read := func(_ context.Context, i int) (*pixels.Image, error) {
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
	return &Stimuli{Count: shape[0], path: path, read: read, close: rows.Close}, nil
}

// Encoder turns images into tokens (see clip.Encoder).
type Encoder interface {
	EncodeTokens(ctx context.Context, images []*pixels.Image) ([]embed.Tokens, error)
}

// Embed returns the tokens of all images, [images, T·D]. It reports the stage
// "embedding stimuli", in images.
func (s *Stimuli) Embed(ctx context.Context, encoder Encoder, watch progress.Func) (blas32.General, error) {
	const batch = 16
	report := watch.Stage("embedding stimuli", "images", int64(s.Count))
	var all blas32.General
	for from := 0; from < s.Count; from += batch {
		var images []*pixels.Image
		for i := from; i < min(from+batch, s.Count); i++ {
			img, err := s.Read(ctx, i)
			if err != nil {
				return all, err
			}
			images = append(images, img)
		}
		tokens, err := encoder.EncodeTokens(ctx, images)
		if err != nil {
			return all, fmt.Errorf("%s: %w", s.path, err)
		}
		for _, t := range tokens {
			all.Data = append(all.Data, t.Data...)
		}
		all.Rows += len(tokens)
		all.Cols = len(all.Data) / all.Rows
		all.Stride = all.Cols
		report(int64(all.Rows), int64(s.Count))
	}
	return all, nil
}
