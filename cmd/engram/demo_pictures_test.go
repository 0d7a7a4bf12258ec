package main

import (
	"bytes"
	"context"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/cmd/engram/internal/demo"
	"engram/embed/bundle"
	"engram/embed/pretrain"
)

// A demo whose models make pictures reconstructs a handful of scans, once.
func TestDemoReconstructs(t *testing.T) {
	a := newApp(t, io.Discard)
	dir := t.TempDir()
	models := map[pretrain.Model]*bundle.Bundle{}
	rt, err := a.loadRuntime(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Close()
	for _, m := range pretrain.Models() {
		if _, err := pretrain.Train(t.Context(), rt, dir, m, pretrain.Options{Scale: "tiny", Seed: 1}); err != nil {
			t.Fatal(err)
		}
		if models[m], err = bundle.Open(filepath.Join(dir, string(m))); err != nil {
			t.Fatal(err)
		}
	}
	m, err := a.openModel(t.Context(), models[pretrain.CLIP])
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	host := a.demoHost(m)
	host.Autoencoder, host.Denoiser = models[pretrain.Autoencoder], models[pretrain.Denoiser]
	host.Index = func(ctx context.Context, images, out string) error {
		_, err := a.buildIndex(ctx, buildFlags{source: images, bundle: filepath.Join(dir, "clip"), out: out, batch: 16})
		return err
	}
	opts := demo.Options{Dir: t.TempDir(), Seed: 1, Scale: tinyDemo, Host: host}
	first, err := demo.Run(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	p := first.Report.Pictures
	if p == nil || p.Test != 8 || p.Zebras != 4 || p.Bound < .6 || p.Bound > 1 || p.TwoWay < .3 || p.TwoWay > 1 {
		t.Fatalf("pictures are %+v, want 12 of which the CLIP knows those from true tokens", p)
	}
	content, err := os.ReadFile(p.Sheet)
	if err != nil {
		t.Fatal(err)
	}
	if sheet, err := png.Decode(bytes.NewReader(content)); err != nil || sheet.Bounds().Dx() < 12*sheet.Bounds().Dy()/5 {
		t.Errorf("the sheet is %v, %v, want 12 columns of 4 pictures", sheet, err)
	}
	for _, name := range []string{"scan/test-001.png", "tokens/zebras-004.png"} {
		if _, err := os.Stat(filepath.Join(filepath.Dir(p.Sheet), name)); err != nil {
			t.Error(err)
		}
	}
	var table strings.Builder
	if err := first.Report.Print(&table); err != nil || !strings.Contains(table.String(), p.Sheet) {
		t.Errorf("the table does not name the sheet: %v\n%s", err, &table)
	}
	again, err := demo.Run(t.Context(), opts)
	if err != nil || *again.Report.Pictures != *p {
		t.Errorf("a second run: %+v, %v, want %+v", again.Report.Pictures, err, p)
	}
}
