package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"engram/embed/ort"
	"engram/embed/scan"
	"engram/httpapi"

	"gonum.org/v1/gonum/blas/blas32"
)

// decoder is an open decoder as searches and the server need it.
type decoder struct {
	*scan.Decoder
	runtime    *ort.Runtime
	dir        string
	name, data string // for visitors
}

// openDecoder opens the decoder in a folder.
func (a *app) openDecoder(ctx context.Context, dir string) (*decoder, error) {
	rt, err := a.loadRuntime(ctx)
	if err != nil {
		return nil, err
	}
	d, err := scan.Open(rt, dir, ort.SessionOptions{Device: a.device})
	if err != nil {
		return nil, errors.Join(err, rt.Close())
	}
	return &decoder{Decoder: d, runtime: rt, dir: dir, name: d.Config().Preset, data: filepath.Base(dir)}, nil
}

// Close frees the decoder and the library.
func (d *decoder) Close() error { return errors.Join(d.Decoder.Close(), d.runtime.Close()) }

// Info implements httpapi.Decoder.
func (d *decoder) Info() httpapi.DecoderInfo {
	c := d.Config()
	return httpapi.DecoderInfo{
		Name: d.name, Data: d.data, Voxels: c.Voxels,
		Bundle: httpapi.Bundle{Name: c.Target.Name, Fingerprint: c.Target.Fingerprint},
	}
}

// Decode implements httpapi.Decoder: it averages the repeats voxel by voxel, as
// the published protocols do, and returns what to search an index for.
func (d *decoder) Decode(ctx context.Context, repeats [][]float32) ([]float32, error) {
	voxels := d.Config().Voxels
	mean := make([]float32, voxels)
	for _, row := range repeats {
		if len(row) != voxels {
			return nil, fmt.Errorf("scan of %d voxels, the decoder %s takes %d", len(row), d.dir, voxels)
		}
		for v, beta := range row {
			mean[v] += beta / float32(len(repeats))
		}
	}
	queries, err := d.Queries(ctx, blas32.General{Rows: 1, Cols: voxels, Stride: voxels, Data: mean})
	if err != nil {
		return nil, err
	}
	return queries[0], nil
}
