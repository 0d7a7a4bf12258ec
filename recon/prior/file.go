package prior

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"engram/data/safetensors"
	"engram/data/vfs"

	"gonum.org/v1/gonum/blas/blas32"
)

// Folder is the name of the folder of an alignment in the folder of its decoder.
const Folder = "alignment"

// Files of an alignment, see FORMAT.md.
const (
	alignmentFile = "alignment.json"
	arraysFile    = "alignment.safetensors"
	format        = 1
	most          = 1 << 24 // images or components that a file may claim

	weightName = "linear.weight" // [Rank, Rank]
	biasName   = "linear.bias"   // [Rank]
	imagesName = "images.scores" // [images, Rank]
)

// ErrOther reports an alignment of another decoder.
var ErrOther = errors.New("the alignment belongs to another decoder")

// description is alignment.json.
type description struct {
	Format  int     `json:"format"`
	Decoder string  `json:"decoder"` // fingerprint
	Rank    int     `json:"rank"`
	Images  int     `json:"images"`
	Penalty float64 `json:"penalty"`
	Recall  Recall  `json:"recall"`
	Arrays  string  `json:"arrays"` // SHA-256 of the file
}

// Remove removes the alignment of the decoder in a folder, if there is one.
func Remove(decoder string) error {
	err := vfs.RemoveAllFS(vfs.OS{}, filepath.Join(decoder, Folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Save writes the alignment into the folder of its decoder, whose fingerprint is given.
// alignment.json comes last: without it there is no alignment.
func (a *Alignment) Save(decoder, fingerprint string) error {
	dir, r := filepath.Join(decoder, Folder), a.Images.Cols
	if err := Remove(decoder); err != nil {
		return fmt.Errorf("prior: %w", err)
	}
	if err := vfs.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("prior: %w", err)
	}
	path := filepath.Join(dir, arraysFile)
	err := safetensors.WriteFile(vfs.OS{}, path, map[string]safetensors.Tensor{
		weightName: {Shape: []int{r, r}, Data: a.Linear.Weight.Data},
		biasName:   {Shape: []int{r}, Data: a.Linear.Bias},
		imagesName: {Shape: []int{a.Images.Rows, r}, Data: cloned(a.Images).Data},
	}, nil)
	if err != nil {
		return fmt.Errorf("prior: %w", err)
	}
	sum, err := sumOf(path)
	if err != nil {
		return fmt.Errorf("prior: %w", err)
	}
	text, err := json.MarshalIndent(description{
		Format: format, Decoder: fingerprint, Rank: r, Images: a.Images.Rows, Penalty: a.Linear.Penalty, Recall: a.Recall, Arrays: sum,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("prior: %w", err)
	}
	return vfs.WriteFile(filepath.Join(dir, alignmentFile), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
}

// Open reads the alignment of the decoder in a folder, whose fingerprint is given. A
// decoder without one gives fs.ErrNotExist, and the alignment of another decoder ErrOther.
func Open(decoder, fingerprint string) (*Alignment, error) {
	path := filepath.Join(decoder, Folder, alignmentFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("prior: %w", err)
	}
	var d description
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("prior: %s: %w", path, err)
	}
	switch {
	case d.Format != format:
		return nil, fmt.Errorf("prior: %s: format is %d, this version reads format %d", path, d.Format, format)
	case d.Decoder != fingerprint:
		return nil, fmt.Errorf("prior: %s is of the decoder %.12s, the decoder there is %.12s: %w", path, d.Decoder, fingerprint, ErrOther)
	case d.Rank < 1 || d.Rank > most || d.Images < 1 || d.Images > most || !(d.Recall.Share >= 0 && d.Recall.Share <= 1) || !(d.Recall.Sharpness > 0):
		return nil, fmt.Errorf("prior: %s: wanted images, a rank, a sharpness above 0 and a share of 0 to 1, found %+v", path, d)
	}
	a := &Alignment{Recall: d.Recall}
	return a, a.readArrays(filepath.Join(decoder, Folder, arraysFile), d)
}

// readArrays reads what alignment.json describes.
func (a *Alignment) readArrays(path string, d description) error {
	if sum, err := sumOf(path); err != nil || sum != d.Arrays {
		return fmt.Errorf("prior: %s: its SHA-256 is not the one of %s: %w", path, alignmentFile, errors.Join(err, errors.New("the file is damaged or was replaced")))
	}
	tensors, _, err := safetensors.ReadFile(path)
	if err != nil {
		return fmt.Errorf("prior: %w", err)
	}
	sizes := map[string]int{weightName: d.Rank * d.Rank, biasName: d.Rank, imagesName: d.Images * d.Rank}
	values := map[string][]float32{}
	for name, size := range sizes {
		v, ok := tensors[name].Data.([]float32)
		if !ok || len(v) != size {
			return fmt.Errorf("prior: %s: wanted %s as %d float32, found shape %v", path, name, size, tensors[name].Shape)
		}
		values[name] = v
	}
	a.Linear = &Linear{
		Weight: blas32.General{Rows: d.Rank, Cols: d.Rank, Stride: d.Rank, Data: values[weightName]}, Bias: values[biasName], Penalty: d.Penalty,
	}
	a.Images = blas32.General{Rows: d.Images, Cols: d.Rank, Stride: d.Rank, Data: values[imagesName]}
	return nil
}

// sumOf returns the SHA-256 of a file.
func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
