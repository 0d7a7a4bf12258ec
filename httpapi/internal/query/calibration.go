package query

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"engram/embed"
	"engram/httpapi/internal/problem"
	"engram/httpapi/jobs"
)

// The images whose scans one calibration has: a training needs three, and more than the most are
// trained on in files.
const (
	minCalibration = 3
	maxCalibration = 2000
)

// ReadCalibration reads {"subject": …, "scans": [{"item": …, "voxels": …}, …]}. The voxels of an
// image are as those of a search.
func ReadCalibration(raw []byte) (jobs.Calibration, error) {
	var object struct {
		jobs.Calibration
		Scans []struct {
			Item   json.RawMessage `json:"item"`
			Voxels json.RawMessage `json:"voxels"`
		} `json:"scans"`
	}
	if err := ReadObject(raw, &object, Members(object.Calibration)); err != nil {
		return jobs.Calibration{}, err
	}
	asked := object.Calibration
	if n := len(object.Scans); n < minCalibration || n > maxCalibration {
		return asked, fmt.Errorf("there are scans of %d images, wanted %d to %d: %w", n, minCalibration, maxCalibration, problem.ErrQuery)
	}
	for i, s := range object.Scans {
		if !present(s.Item) || !present(s.Voxels) {
			return asked, fmt.Errorf("scan %d has no item or no voxels, wanted both: %w", i+1, problem.ErrQuery)
		}
		id, err := readID(s.Item)
		if err != nil {
			return asked, fmt.Errorf("scan %d: %w", i+1, err)
		}
		repeats, err := parseRepeats(s.Voxels)
		if err != nil {
			return asked, fmt.Errorf("scan %d: %w", i+1, err)
		}
		asked.Scans = append(asked.Scans, jobs.SeenScan{Item: uint64(id), Repeats: repeats})
		if err := sameVoxels(repeats, len(asked.Scans[0].Repeats[0])); err != nil {
			return asked, fmt.Errorf("scan %d: %w", i+1, err)
		}
	}
	return asked, nil
}

// sameVoxels refuses repeats that do not all have as many voxels as the first scan, finite ones.
func sameVoxels(repeats [][]float32, voxels int) error {
	if voxels == 0 {
		return fmt.Errorf("it has no voxels: %w", problem.ErrVoxels)
	}
	for i, row := range repeats {
		if len(row) != voxels {
			return fmt.Errorf("repeat %d has %d voxels, the first scan %d: %w", i, len(row), voxels, problem.ErrVoxels)
		}
		if v := embed.FirstNotFinite(row); v >= 0 {
			return fmt.Errorf("voxel %d of repeat %d is %v: %w", v, i, row[v], embed.ErrNotFinite)
		}
	}
	return nil
}

// Members returns the names that the fields of a struct have in JSON.
func Members(object any) (names []string) {
	for field := range reflect.TypeOf(object).Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}
