package hub_test

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"engram/data/progress"
	"engram/embed/hub"
	"engram/embed/hub/hubtest"
)

func TestProgressCountsBytes(t *testing.T) {
	t.Parallel()
	s, c, snap := resolved(t, func(o *hub.Options) { o.Patience.Attempts = 1 })
	s.Fault(onCDN(s, 1, hubtest.Fault{Cut: 100_000}))
	dir := t.TempDir()
	var reports []progress.Report
	watch := func(r progress.Report) { reports = append(reports, r) }
	if _, err := c.Fetch(t.Context(), snap, []string{vision}, dir, watch); err == nil {
		t.Fatal("the connection was not dropped")
	}
	if last := reports[len(reports)-1]; reports[0].Done != 0 || last.Done != 100_000 || last.Total != 300_000 || last.Unit != "bytes" || last.Stage != "downloading "+name {
		t.Errorf("first %+v, last %+v", reports[0], last)
	}
	reports = nil
	if _, err := c.Fetch(t.Context(), snap, paths, dir, watch); err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, p := range paths {
		total += int64(len(files[p].Data))
	}
	if last := reports[len(reports)-1]; reports[0].Done != 100_000 || last.Done != total || last.Total != total {
		t.Errorf("first %+v, last %+v, want %d in all", reports[0], last, total)
	}
}

// A part is of one content: another version of the file starts from nothing, and what
// was left of the first one goes.
func TestAPartOfAnotherVersionIsNotContinued(t *testing.T) {
	t.Parallel()
	second := fstest.MapFS{vision: {Data: append(random(299_999), 7)}}
	s := hubtest.New(t, hubtest.Repo{Name: name, Files: files, Revisions: map[string]fs.FS{"refs/pr/1": second}})
	impatient := newClient(t, s, func(o *hub.Options) { o.Patience.Attempts = 1 })
	old, err := impatient.Resolve(t.Context(), name, "main")
	if err != nil {
		t.Fatal(err)
	}
	s.Fault(onCDN(s, 1, hubtest.Fault{Cut: 100_000}))
	dir := t.TempDir()
	if _, err := impatient.Fetch(t.Context(), old, []string{vision}, dir, nil); err == nil {
		t.Fatal("the connection was not dropped")
	}
	c := newClient(t, s)
	snap, err := c.Resolve(t.Context(), name, "refs/pr/1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, vision)); err != nil || !bytes.Equal(got, second[vision].Data) {
		t.Errorf("the file has %d other bytes, %v", len(got), err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".download")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old part was left: %v", err)
	}
}

func TestTwoFetchesIntoOneFolder(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s, c, snap := resolved(t, func(o *hub.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	s.Fault(onCDN(s, 1, hubtest.Fault{Rate: 1_000_000}))
	dir := t.TempDir()
	begun := make(chan struct{})
	ended := make(chan error)
	go func() {
		told := false
		_, err := newClient(t, s).Fetch(t.Context(), snap, []string{vision}, dir, func(progress.Report) {
			if !told {
				told = true
				close(begun)
			}
		})
		ended <- err
	}()
	<-begun
	placed, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil)
	if err != nil || placed[0].How != hub.Present {
		t.Errorf("the second one: %+v, %v", placed, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "waiting for another process") {
		t.Errorf("the log says %q", log.String())
	}
	wantFiles(t, dir, vision)
}
