package mindeye

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"strconv"
	"strings"

	"engram/data/npy"
)

// maxFile is the most bytes that a file of a sample may have: three repeats of
// 700,000 voxels in double precision fit.
const maxFile = 32 << 20

// ReadFile yields the samples of the tar at path, one at a time. The first error
// ends the sequence.
func ReadFile(path string) iter.Seq2[*Sample, error] {
	return func(yield func(*Sample, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(nil, fmt.Errorf("mindeye: %w", err))
			return
		}
		defer f.Close()
		for s, err := range samples(bufio.NewReaderSize(f, 1<<16)) {
			if err != nil {
				yield(nil, fmt.Errorf("mindeye: %s: %w", path, err))
				return
			}
			if !yield(s, nil) {
				return
			}
		}
	}
}

// samples yields the samples of the tar that r delivers.
func samples(r io.Reader) iter.Seq2[*Sample, error] {
	return func(yield func(*Sample, error) bool) {
		archive := tar.NewReader(r)
		var key string
		files := make(map[string][]byte)
		for {
			header, err := archive.Next()
			if err != nil && !errors.Is(err, io.EOF) {
				yield(nil, err)
				return
			}
			var next, name string
			if err == nil {
				if header.Typeflag != tar.TypeReg {
					continue
				}
				next, name, _ = strings.Cut(path.Base(header.Name), ".")
			}
			if next != key && len(files) > 0 {
				s, err := parse(key, files)
				if !yield(s, err) || err != nil {
					return
				}
				clear(files)
			}
			if err != nil {
				return
			}
			key = next
			if files[name], err = readFile(archive, header); err != nil {
				yield(nil, fmt.Errorf("%s: %w", header.Name, err))
				return
			}
		}
	}
}

func readFile(r io.Reader, header *tar.Header) ([]byte, error) {
	if header.Size > maxFile {
		return nil, fmt.Errorf("it has %d bytes, at most %d are read", header.Size, maxFile)
	}
	var file bytes.Buffer // grows with what arrives
	_, err := io.Copy(&file, r)
	return file.Bytes(), err
}

// parse makes a sample of its files.
func parse(key string, files map[string][]byte) (*Sample, error) {
	fail := func(err error) (*Sample, error) { return nil, fmt.Errorf("%s: %w", key, err) }
	number, err := strconv.Atoi(strings.TrimPrefix(key, "sample"))
	if err != nil || number < 0 {
		return fail(errors.New("wanted a name such as sample000007482"))
	}
	s := &Sample{Number: number}
	for _, s.Format = range []string{"jpg", "png"} {
		if s.Picture = files[s.Format]; s.Picture != nil {
			break
		}
	}
	if s.Picture == nil {
		return fail(errors.New("it has no picture, wanted a .jpg or .png"))
	}
	voxels, err := array(files, voxelsFile)
	if err != nil {
		return fail(err)
	}
	if len(voxels.Shape) != 2 || voxels.Shape[0] < 1 {
		return fail(fmt.Errorf("%s has shape %v, wanted [repeats, voxels]", voxelsFile, voxels.Shape))
	}
	s.Repeats, s.Voxels = voxels.Shape[0], voxels.Float32s()
	if s.Trials, err = numbers(files, trialsFile); err != nil {
		return fail(err)
	}
	if len(s.Trials) != s.Repeats {
		return fail(fmt.Errorf("%s has %d numbers, %s has %d repeats", trialsFile, len(s.Trials), voxelsFile, s.Repeats))
	}
	if s.COCO73K, err = single(files, cocoFile); err != nil {
		return fail(err)
	}
	if s.Uniques, err = single(files, uniquesFile); err != nil {
		return fail(err)
	}
	return s, nil
}

func array(files map[string][]byte, name string) (*npy.Array, error) {
	file, found := files[name]
	if !found {
		return nil, fmt.Errorf("it has no %s", name)
	}
	a, err := npy.Read(bytes.NewReader(file), maxFile)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return a, nil
}

// single returns the only number of an array.
func single(files map[string][]byte, name string) (int64, error) {
	values, err := numbers(files, name)
	if err == nil && len(values) != 1 {
		err = fmt.Errorf("%s has %d numbers, wanted 1", name, len(values))
	}
	if err != nil {
		return 0, err
	}
	return values[0], nil
}

// numbers returns whole numbers, of an array of integers or of floats.
func numbers(files map[string][]byte, name string) ([]int64, error) {
	a, err := array(files, name)
	if err != nil {
		return nil, err
	}
	values, isFloat := a.Data.([]float64)
	if narrow, ok := a.Data.([]float32); ok {
		isFloat = true
		for _, v := range narrow {
			values = append(values, float64(v))
		}
	}
	if !isFloat {
		return a.Int64s()
	}
	out := make([]int64, len(values))
	for i, v := range values {
		if out[i] = int64(v); float64(out[i]) != v {
			return nil, fmt.Errorf("%s has the value %g, wanted whole numbers", name, v)
		}
	}
	return out, nil
}
