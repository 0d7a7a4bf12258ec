package main

import (
	"bytes"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The demo reconstructs a handful of scans, once.
func TestDemoReconstructs(t *testing.T) {
	t.Parallel()
	a := newApp(t, io.Discard)
	dir := t.TempDir()
	first, err := runTiny(t, a, dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	p := first.Report.Pictures
	if p.Test != 2 || p.Zebras != 1 || p.Bound < .95 || p.Bound > 1 || p.TwoWay < 0 || p.TwoWay > 1 {
		t.Fatalf("pictures are %+v, want 3 of which the CLIP knows those from true tokens", p)
	}
	content, err := os.ReadFile(p.Sheet)
	if err != nil {
		t.Fatal(err)
	}
	if sheet, err := png.Decode(bytes.NewReader(content)); err != nil || sheet.Bounds().Dx() < 3*sheet.Bounds().Dy()/5 {
		t.Errorf("the sheet is %v, %v, want 3 columns of 4 pictures", sheet, err)
	}
	for _, name := range []string{"scan/test-001.png", "tokens/zebras-001.png"} {
		if _, err := os.Stat(filepath.Join(filepath.Dir(p.Sheet), name)); err != nil {
			t.Error(err)
		}
	}
	var table strings.Builder
	if err := first.Report.Print(&table); err != nil || !strings.Contains(table.String(), p.Sheet) {
		t.Errorf("the table does not name the sheet: %v\n%s", err, &table)
	}
	again, err := runTiny(t, a, dir, 1)
	if err != nil || again.Report.Pictures != p {
		t.Errorf("a second run: %+v, %v, want %+v", again.Report.Pictures, err, p)
	}
}
