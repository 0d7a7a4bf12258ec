package webdataset

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"time"
)

// maxStats is the most bytes of a _stats.json: img2dataset keeps up to 100,000
// different messages.
const maxStats = 64 << 20

// Stats is what img2dataset says of a shard when it is done.
type Stats struct {
	Count            int // of downloads tried
	Successes        int // samples in the tar
	FailedToDownload int
	FailedToResize   int
	Duration         time.Duration
	Start, End       time.Time
	// Status says how often each thing happened: "success", or the message of a
	// failure.
	Status map[string]int
}

// ReadStats reads a _stats.json. The errors are ErrStats and the disk's errors.
func ReadStats(path string) (*Stats, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("webdataset: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxStats+1))
	if err != nil {
		return nil, fmt.Errorf("webdataset: %s: %w", path, err)
	}
	stats, err := parseStats(text)
	if err != nil {
		return nil, fmt.Errorf("webdataset: %s: %w: %w", path, ErrStats, err)
	}
	return stats, nil
}

func parseStats(text []byte) (*Stats, error) {
	if len(text) > maxStats {
		return nil, fmt.Errorf("it has more than %d bytes", maxStats)
	}
	var file struct {
		Count            *int           `json:"count"`
		Successes        *int           `json:"successes"`
		FailedToDownload int            `json:"failed_to_download"`
		FailedToResize   int            `json:"failed_to_resize"`
		Duration         float64        `json:"duration"`   // seconds
		Start            float64        `json:"start_time"` // seconds since 1970
		End              float64        `json:"end_time"`
		Status           map[string]int `json:"status_dict"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	if file.Count == nil || file.Successes == nil {
		return nil, fmt.Errorf("wanted count and successes")
	}
	if max(math.Abs(file.Duration), math.Abs(file.Start), math.Abs(file.End)) > 1e10 { // the year 2286
		return nil, fmt.Errorf("start_time %g, end_time %g or duration %g is no time in seconds", file.Start, file.End, file.Duration)
	}
	s := &Stats{
		Count: *file.Count, Successes: *file.Successes,
		FailedToDownload: file.FailedToDownload, FailedToResize: file.FailedToResize,
		Duration: seconds(file.Duration), Start: clock(file.Start), End: clock(file.End), Status: file.Status,
	}
	return s, s.plausible()
}

func seconds(s float64) time.Duration { return time.Duration(math.Round(s * 1e9)) }

// clock keeps microseconds, which is what a float64 of today's time can tell.
func clock(s float64) time.Time { return time.UnixMicro(int64(math.Round(s * 1e6))).UTC() }

// plausible reports counts that are negative or do not fit together.
func (s *Stats) plausible() error {
	rest := s.Count
	for _, n := range []int{s.Count, s.Successes, s.FailedToDownload, s.FailedToResize} {
		if n < 0 {
			return fmt.Errorf("%d is no count", n)
		}
	}
	for _, n := range []int{s.Successes, s.FailedToDownload, s.FailedToResize} {
		if rest -= n; rest < 0 {
			return fmt.Errorf("%d successes, %d failed downloads and %d failed resizes are more than %d",
				s.Successes, s.FailedToDownload, s.FailedToResize, s.Count)
		}
	}
	return nil
}

// Check compares the number of samples that a tar has with the successes:
// ErrCount where it is another.
func (s *Stats) Check(samples int) error {
	if samples != s.Successes {
		return fmt.Errorf("%d samples, %d successes: %w", samples, s.Successes, ErrCount)
	}
	return nil
}
