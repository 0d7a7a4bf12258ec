package mindeye

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"engram/data/vfs"
)

// Sample is an image and the scans of the subject who saw it.
type Sample struct {
	Number  int       // 0 to 999,999,999, unique in its split
	Format  string    // of the image file: "jpg" or "png"
	Picture []byte    // the image file
	Repeats int       // rows of Voxels
	Voxels  []float32 // [Repeats, V]
	Trials  []int64   // by repeat
	COCO73K int64     // number of the image among NSD's 73,000, from 0
	// Uniques is how many repeats are different scans; the others are copies.
	Uniques int64
}

// Totals is how many samples a subject's splits have.
type Totals struct {
	Train int `json:"train"`
	Val   int `json:"val"`
	Test  int `json:"test"`
}

// Of returns the total of a split.
func (t Totals) Of(split string) int {
	return map[string]int{Train: t.Train, Val: t.Val, Test: t.Test}[split]
}

type metadata struct {
	Totals Totals `json:"totals"`
}

// TarName returns the path of a subject's tar in the folder of the data set, such
// as train/train_subj01_0.tar. Split is train, val or test; subjects count from
// 1, parts from 0.
func TarName(split string, subject, part int) string {
	return filepath.Join(split, fmt.Sprintf("%s_subj%02d_%d.tar", split, subject, part))
}

func metadataName(dir string, subject int) string {
	return filepath.Join(dir, fmt.Sprintf("metadata_subj%02d.json", subject))
}

// ReadTotals reads how many samples the splits of a subject have, from the
// folder of the data set.
func ReadTotals(dir string, subject int) (Totals, error) {
	path := metadataName(dir, subject)
	raw, err := os.ReadFile(path)
	if err != nil {
		return Totals{}, fmt.Errorf("mindeye: %w", err)
	}
	var m metadata
	if err := json.Unmarshal(raw, &m); err != nil {
		return Totals{}, fmt.Errorf("mindeye: %s: %w", path, err)
	}
	return m.Totals, nil
}

// WriteTotals writes what ReadTotals reads.
func WriteTotals(dir string, subject int, totals Totals) error {
	path := metadataName(dir, subject)
	err := vfs.WriteFile(path, func(w io.Writer) error {
		return json.NewEncoder(w).Encode(metadata{totals})
	})
	if err != nil {
		return fmt.Errorf("mindeye: %s: %w", path, err)
	}
	return nil
}
