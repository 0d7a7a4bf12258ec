package scan

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"

	"engram/data/space"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
)

// Data is what a decoder is trained on.
type Data struct {
	Voxels  blas32.General // [trials, V], betas as they were measured
	Images  []int          // for each trial the row of Targets that was seen
	Targets blas32.General // [images, T·D], embeddings of the images
	// Stored, if not nil, holds the targets instead of Targets, which has no Data then
	// and tells their sizes alone. Training reads them twice, some at a time, for every
	// preset but mindeye1.
	Stored TargetReader
	T, D   int
}

func (d Data) check(ctx context.Context) error {
	if err := matrix.CheckUntil(ctx, d.Voxels, voxelNames()); err != nil {
		return err
	}
	if err := d.checkTargets(ctx); err != nil {
		return err
	}
	if len(d.Images) != d.Voxels.Rows {
		return fmt.Errorf("scan: wanted the image of each of %d trials, found %d", d.Voxels.Rows, len(d.Images))
	}
	if d.T < 1 || d.D < 1 || d.Targets.Cols%d.T != 0 || d.Targets.Cols/d.T != d.D {
		return fmt.Errorf("scan: targets have %d elements, want %d tokens of %d", d.Targets.Cols, d.T, d.D)
	}
	for trial, image := range d.Images {
		if image < 0 || image >= d.Targets.Rows {
			return fmt.Errorf("scan: trial %d saw image %d, the targets hold images 0 to %d", trial, image, d.Targets.Rows-1)
		}
	}
	if seen := len(d.seen()); seen < 3 {
		return fmt.Errorf("scan: training needs trials of 3 images at least, found %d", seen)
	}
	return nil
}

// size returns how much there is.
func (d Data) size() Size {
	return Size{Trials: d.Voxels.Rows, Voxels: d.Voxels.Cols, Images: d.Targets.Rows, Elements: d.Targets.Cols, Stored: d.Stored != nil}
}

// seen returns the images that have trials, each once.
func (d Data) seen() []int {
	var images []int
	for _, trials := range trialsByImage(d.Images) {
		images = append(images, d.Images[trials[0]])
	}
	return images
}

// Fingerprint returns a hash of all that training is given.
func (d Data) Fingerprint() string {
	sum := sha256.New()
	for _, m := range []blas32.General{d.Voxels, d.Targets} {
		hashed(sum, []int64{int64(m.Rows), int64(m.Cols)})
		hashRows(sum, m)
	}
	for _, image := range d.Images {
		hashed(sum, int64(image))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// unnamedTarget names the space of embeddings that came without a model by
// their own content.
func unnamedTarget(targets blas32.General) space.Space {
	sum := sha256.New()
	hashRows(sum, targets)
	return space.Space{Name: "embeddings without a model", Fingerprint: hex.EncodeToString(sum.Sum(nil))}
}

func hashRows(sum hash.Hash, m blas32.General) {
	for i := range m.Rows {
		hashed(sum, matrix.Row(m, i))
	}
}

// hashed adds numbers of a fixed size to sum; neither they nor a hash can fail.
func hashed(sum hash.Hash, numbers any) {
	if err := binary.Write(sum, binary.LittleEndian, numbers); err != nil {
		panic(err)
	}
}

// take copies elements of a list.
func take[E any](list []E, at []int) []E {
	out := make([]E, len(at))
	for i, k := range at {
		out[i] = list[k]
	}
	return out
}
