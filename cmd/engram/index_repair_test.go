package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/index"
	"engram/index/local"
)

func TestRepair(t *testing.T) {
	c := newCLI(t)
	name := filepath.Join(t.TempDir(), "photos.index")
	c.must("index", "build", writePhotos(t), "--out", name)
	if got := c.must("index", "repair", name, "--yes"); got != name+": nothing is damaged, 16 items\n" {
		t.Errorf("repair of a whole index prints %q", got)
	}
	segments, err := filepath.Glob(filepath.Join(name, "*.seg"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("segments %v, error %v", segments, err)
	}
	content, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	content[9] ^= 1 // of the header
	if err := os.WriteFile(segments[0], content, 0o666); err != nil {
		t.Fatal(err)
	}

	if got := c.must("index", "info", name); !strings.Contains(got, "damaged, to be repaired") || !strings.Contains(got, segments[0]) {
		t.Errorf("info prints %q, wanted the damaged file", got)
	}
	for _, command := range [][]string{{"index", "build", writePhotos(t), "--out", name}, {"index", "verify", name}} {
		stdout, stderr, status := c.run(command...)
		if status == 0 || !strings.Contains(stdout+stderr, segments[0]) {
			t.Errorf("%v: status %d, %q, %q, wanted the damaged file", command, status, stdout, stderr)
		}
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if _, stderr, status := c.run("index", "copy", name, copied); status == 0 || !strings.Contains(stderr, "repaired first") {
		t.Errorf("a copy of a damaged index: status %d, %q", status, stderr)
	}
	if _, err := os.Stat(copied); !os.IsNotExist(err) {
		t.Errorf("a copy that is refused leaves %s, error %v", copied, err)
	}

	for _, answer := range []string{"", "no\n"} {
		c.in = answer
		stdout, stderr, status := c.run("index", "repair", name)
		if status != 0 || !strings.Contains(stdout, "lost: 16 items") || !strings.HasSuffix(stdout, name+": left as it is\n") || !strings.Contains(stderr, "Repair") {
			t.Errorf("answer %q: status %d, stdout %q, stderr %q", answer, status, stdout, stderr)
		}
	}
	c.in = "yes\n"
	if got := c.must("index", "repair", name); !strings.HasSuffix(got, name+": repaired, 0 items, 16 lost\n") {
		t.Errorf("repair prints %q", got)
	}
	if kept, err := os.ReadFile(filepath.Join(name, "damaged", filepath.Base(segments[0]))); err != nil || string(kept) != string(content) {
		t.Errorf("the damaged file was not kept: %d bytes, error %v", len(kept), err)
	}
	c.must("index", "verify", name)
	c.refuse([]string{"server"}, "index", "repair", "qdrant://localhost:6334/photos")
}

// A build after a repair embeds the images whose items are lost, and no others.
func TestABuildBringsBackWhatARepairLost(t *testing.T) {
	c, photos := newCLI(t), writePhotos(t)
	name := filepath.Join(t.TempDir(), "photos.index")
	c.must("index", "build", photos, "--out", name, "--tokens", "int8")
	tokens, err := filepath.Glob(filepath.Join(name, "*.tok"))
	if err != nil || len(tokens) != 1 {
		t.Fatalf("files of tokens %v, error %v", tokens, err)
	}
	content, err := os.ReadFile(tokens[0])
	if err != nil {
		t.Fatal(err)
	}
	content[5000] ^= 1
	if err := os.WriteFile(tokens[0], content, 0o666); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, status := c.run("index", "repair", name, "--yes", "--json")
	var repaired index.RepairReport
	if err := json.Unmarshal([]byte(stdout), &repaired); err != nil || status != 0 || !strings.Contains(stderr, "brings back") {
		t.Fatalf("repair: status %d, error %v, %q, %q", status, err, stdout, stderr)
	}
	if repaired.Lost == 0 || repaired.Lost == 16 {
		t.Fatalf("the repair has lost %d of 16 items, the test wants some", repaired.Lost)
	}
	var built struct{ Stored, Unchanged, Encoded, Deleted int }
	c.json(&built, "index", "build", photos, "--out", name)
	if built.Stored != repaired.Lost || built.Encoded != repaired.Lost || built.Unchanged != repaired.Items || built.Deleted != 0 {
		t.Errorf("the build says %+v, want %d items embedded and %d as they were", built, repaired.Lost, repaired.Items)
	}
	c.json(&built, "index", "build", photos, "--out", name)
	if built.Unchanged != 16 || built.Encoded != 0 {
		t.Errorf("the next build says %+v, want nothing to do", built)
	}
	c.must("index", "verify", name)
}

// Writes that the log has lost are told beside the items.
func TestRepairTellsOfLostWrites(t *testing.T) {
	c, name := newCLI(t), filepath.Join(t.TempDir(), "index")
	store, err := local.Create(name, local.Options{Dim: 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.SetDurability(local.Synced); err != nil {
		t.Fatal(err)
	}
	for id := range index.ID(3) {
		if err := store.Upsert(t.Context(), []index.Item{{ID: id, Vector: []float32{1, 0}}}); err != nil {
			t.Fatal(err)
		}
	}
	damaged := filepath.Join(t.TempDir(), "damaged") // as a killed process leaves it
	if err := os.CopyFS(damaged, os.DirFS(name)); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	logs, err := filepath.Glob(filepath.Join(damaged, "*.log"))
	if err != nil || len(logs) != 1 {
		t.Fatalf("logs %v, error %v", logs, err)
	}
	content, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(logs[0], content, 0o666); err != nil {
		t.Fatal(err)
	}
	const lost = "0 lost, and writes at 1 places of the log\n"
	if got := c.must("index", "repair", damaged, "--yes"); !strings.HasSuffix(got, damaged+": repaired, 2 items, "+lost) {
		t.Errorf("repair prints %q, wanted %q", got, lost)
	}
}
