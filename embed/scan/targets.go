package scan

import (
	"context"
	"errors"
	"fmt"

	"engram/data/progress"
	"engram/embed"
	"engram/embed/internal/matrix"

	"gonum.org/v1/gonum/blas/blas32"
)

// TargetReader reads rows of targets as float32: n images from an image on, each
// T·D elements. An open .npy file is one (npy.Rows), of single or half precision.
type TargetReader interface {
	Read(dst []float32, from, n int) error
}

// pieceElements bounds the elements of targets that are read at a time: 64 MB.
const pieceElements = 16 << 20

// checkTargets refuses targets in memory that are not finite or not all there. Of
// stored ones it knows the sizes alone.
func (d Data) checkTargets(ctx context.Context) error {
	if d.Stored == nil {
		return matrix.CheckUntil(ctx, d.Targets, targetNames())
	}
	if d.Targets.Rows < 1 || d.Targets.Cols < 1 {
		return fmt.Errorf("targets: wanted at least one image and one element, found %d×%d", d.Targets.Rows, d.Targets.Cols)
	}
	return nil
}

// inMemory refuses stored targets.
func (d Data) inMemory(who string) error {
	if d.Stored != nil {
		return fmt.Errorf("scan: %s needs the targets in memory, and they are read from a file", who)
	}
	return nil
}

func targetNames() matrix.Names {
	return matrix.Names{Matrix: "targets", Row: "image", Col: "element"}
}

// eachTarget calls do for all targets, some images at a time, from an image on. A
// piece is valid during the call.
func (d Data) eachTarget(ctx context.Context, do func(from int, piece blas32.General) error) error {
	rows := max(1, pieceElements/d.Targets.Cols)
	var buffer []float32
	if d.Stored != nil {
		buffer = make([]float32, min(rows, d.Targets.Rows)*d.Targets.Cols)
	}
	for from := 0; from < d.Targets.Rows; from += rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(rows, d.Targets.Rows-from)
		piece := blas32.General{Rows: n, Cols: d.Targets.Cols, Stride: d.Targets.Cols, Data: buffer}
		if d.Stored == nil {
			piece = matrix.Part(d.Targets, from, from+n)
		} else if err := d.Stored.Read(buffer, from, n); err != nil {
			return err
		}
		for i := range n {
			if j := embed.FirstNotFinite(matrix.Row(piece, i)); j >= 0 {
				return fmt.Errorf("targets: image %d, element %d is %v: %w", from+i, j, matrix.Row(piece, i)[j], embed.ErrNotFinite)
			}
		}
		if err := do(from, piece); err != nil {
			return err
		}
	}
	return nil
}

// targetReader reads the targets several times, and reports how far it is.
type targetReader struct {
	data        Data
	seen        []int // the images that were seen, each once
	isSeen      []bool
	report      func(done, total int64)
	done, total int64
}

func (d Data) readings(times int, watch progress.Func) *targetReader {
	r := &targetReader{data: d, seen: d.seen(), isSeen: make([]bool, d.Targets.Rows), total: int64(times * d.Targets.Rows)}
	for _, image := range r.seen {
		r.isSeen[image] = true
	}
	r.report = watch.Stage(ComponentsStage, "images", r.total)
	return r
}

// each reads all targets once.
func (r *targetReader) each(ctx context.Context, do func(from int, piece blas32.General) error) error {
	return r.data.eachTarget(ctx, func(from int, piece blas32.General) error {
		if err := do(from, piece); err != nil {
			return err
		}
		r.done += int64(piece.Rows)
		r.report(r.done, r.total)
		return nil
	})
}

// targetSample is the mean of all targets that were seen, and some of them.
type targetSample struct {
	mean []float64
	rows blas32.General
}

// sample reads the targets once, and keeps the images that are asked for, in this
// order.
func (r *targetReader) sample(ctx context.Context, images []int) (targetSample, error) {
	s := targetSample{mean: make([]float64, r.data.Targets.Cols), rows: matrix.New(len(images), r.data.Targets.Cols)}
	place := map[int]int{}
	for i, image := range images {
		place[image] = i
	}
	var first []float32 // exact for a column of one value
	err := r.each(ctx, func(from int, piece blas32.General) error {
		for i := range piece.Rows {
			if !r.isSeen[from+i] {
				continue
			}
			row := matrix.Row(piece, i)
			if first == nil {
				first = append(first, row...)
			}
			for j, x := range row {
				s.mean[j] += float64(x) - float64(first[j])
			}
			if to, sampled := place[from+i]; sampled {
				copy(matrix.Row(s.rows, to), row)
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return s, err
	}
	if first == nil {
		return s, errors.New("scan: no image was seen")
	}
	for j, x := range first {
		s.mean[j] = float64(x) + s.mean[j]/float64(len(r.seen))
	}
	return s, nil
}
