package webdataset_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"engram/data/webdataset"
)

// names returns the file names of shards.
func names(shards []webdataset.Shard) []string {
	var out []string
	for _, s := range shards {
		out = append(out, filepath.Base(s.Path))
	}
	return out
}

func TestList(t *testing.T) {
	dir := write(t, map[string][]byte{
		"10.tar": []byte("0123456789"), "9.tar": nil, "a.tar.gz": nil, "b.tgz": nil, "c.tar.zst": nil, "d.tzst": nil,
		"9.parquet": nil, "9_stats.json": nil, ".11.tar": nil, "x.tar.tmp": nil, ".tar": nil, "e.bin": nil,
	})
	if err := os.Mkdir(filepath.Join(dir, "folder.tar"), 0o755); err != nil {
		t.Fatal(err)
	}
	shards, err := webdataset.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"9.tar", "10.tar", "a.tar.gz", "b.tgz", "c.tar.zst", "d.tzst"}
	if diff := cmp.Diff(want, names(shards)); diff != "" {
		t.Errorf("folder: (-want +got)\n%s", diff)
	}
	info, err := os.Stat(shards[1].Path)
	if err != nil || shards[1].Size != 10 || !shards[1].Modified.Equal(info.ModTime()) {
		t.Errorf("shard is %+v, %v", shards[1], err)
	}
	if got, want := shards[2].StatsPath(), filepath.Join(dir, "a_stats.json"); got != want {
		t.Errorf("stats are in %s, want %s", got, want)
	}
	shards, err = webdataset.List(filepath.Join(dir, "{c.tar.zst,e.bin,1*.tar}"))
	if diff := cmp.Diff([]string{"c.tar.zst", "e.bin", "10.tar"}, names(shards)); diff != "" || err != nil {
		t.Errorf("pattern: error %v, (-want +got)\n%s", err, diff)
	}
}

func TestListThatFails(t *testing.T) {
	dir := write(t, map[string][]byte{"1.tar": nil, "x.txt": nil})
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	for where, says := range map[string]string{
		"{1..3}.tar":     "missing are 2 of 3, the first is " + filepath.Join(dir, "2.tar"),
		"folder":         "wanted tars, found none among 0 files",
		"{folder,1.tar}": filepath.Join(dir, "folder") + ": wanted a tar, found d---------",
	} {
		if _, err := webdataset.List(filepath.Join(dir, where)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error is %v, want one that says %q", where, err, says)
		}
	}
}

func TestStatsOfImg2dataset(t *testing.T) {
	a, b := named(t, "img2dataset 00000"), named(t, "img2dataset 00001")
	dir := write(t, map[string][]byte{
		"00000.tar": a.file, "00000_stats.json": a.Stats, "00001.tar": b.file, "00001_stats.json": b.Stats,
	})
	stats, err := webdataset.ReadStats(filepath.Join(dir, "00001_stats.json"))
	if err != nil {
		t.Fatal(err)
	}
	if took := stats.End.Sub(stats.Start); stats.Duration <= 0 || (took-stats.Duration).Abs() > time.Millisecond {
		t.Errorf("from %v to %v it took %v", stats.Start, stats.End, stats.Duration)
	}
	if stats.Start.Year() < 2024 {
		t.Errorf("it was made on %v", stats.Start)
	}
	stats.Start, stats.End, stats.Duration = time.Time{}, time.Time{}, 0
	want := &webdataset.Stats{Count: 3, Successes: 1, FailedToDownload: 1, FailedToResize: 1,
		Status: map[string]int{"success": 1, "Image decoding error": 1, "HTTP Error 404: File not found": 1}}
	if diff := cmp.Diff(want, stats); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := stats.Check(1); err != nil {
		t.Errorf("the samples that were downloaded: %v", err)
	}
	if err := stats.Check(4); !errors.Is(err, webdataset.ErrCount) || !strings.Contains(err.Error(), "4 samples, 1 successes") {
		t.Errorf("error is %v, want the counts", err)
	}
	if _, err := webdataset.ReadStats(filepath.Join(dir, "00003_stats.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stats that are not there: %v", err)
	}
}

func TestBadStats(t *testing.T) {
	for text, says := range map[string]string{
		``:                              "unexpected end of JSON input",
		`{}`:                            "wanted count and successes",
		`{"count": 1}`:                  "wanted count and successes",
		`null`:                          "wanted count and successes",
		`[]`:                            "cannot unmarshal array",
		`{"count": 1.5}`:                "cannot unmarshal number 1.5",
		`{"count": "1"}`:                "cannot unmarshal string",
		`{"count": -1, "successes": 0}`: "-1 is no count",
		`{"count": 3, "successes": 2, "failed_to_resize": 2}`:                                                         "2 successes, 0 failed downloads and 2 failed resizes are more than 3",
		`{"count": 9223372036854775807, "successes": 9223372036854775807, "failed_to_download": 9223372036854775807}`: "are more than",
		`{"count": 1, "successes": 1, "start_time": 1e300}`:                                                           "is no time in seconds",
	} {
		path := filepath.Join(write(t, map[string][]byte{"s.json": []byte(text)}), "s.json")
		_, err := webdataset.ReadStats(path)
		if !errors.Is(err, webdataset.ErrStats) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error is %v, want ErrStats that says %q", text, err, says)
		}
	}
	if _, err := webdataset.ReadStats(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v, want fs.ErrNotExist", err)
	}
}
