package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// Rates are what one machine does per second, and where that was measured.
type Rates struct {
	// Machine says which one, in words.
	Machine string `json:"machine"`

	// Decode is images per second from file to tensor, and Encode from tensor to
	// vector, each with the whole machine to itself. On the device "cpu" the two
	// share the processors and their times add up; on another one they overlap.
	Decode float64 `json:"decode_images_per_s"`
	Encode float64 `json:"encode_images_per_s"`
	Device string  `json:"device"`

	// Import is bytes per second of float32 vectors made durable in the embedded
	// engine, Upload the same into one Qdrant node.
	Import float64 `json:"import_bytes_per_s"`
	Upload float64 `json:"upload_bytes_per_s"`

	// Scan is bytes per second of int8 codes that an exact search looks at.
	Scan float64 `json:"scan_bytes_per_s"`

	// Link is rows per second that one core of a Qdrant node adds to a graph over int8 codes, and
	// Walk the milliseconds in which one core searches it: both of 200,000 rows
	// of 768 elements.
	Link float64 `json:"link_rows_per_core_s"`
	Walk float64 `json:"walk_ms"`
	// EmbeddedLink and EmbeddedWalk are the same of the embedded engine, whose walks
	// find .98 of the nearest.
	EmbeddedLink float64 `json:"embedded_link_rows_per_core_s"`
	EmbeddedWalk float64 `json:"embedded_walk_ms"`
}

// ErrRates reports rates that no plan can be made from.
var ErrRates = errors.New("unusable rates")

// check wants every rate above zero and finite.
func (r Rates) check() error {
	for _, rate := range []struct {
		name  string
		value float64
	}{
		{"decode_images_per_s", r.Decode}, {"encode_images_per_s", r.Encode}, {"import_bytes_per_s", r.Import},
		{"upload_bytes_per_s", r.Upload}, {"scan_bytes_per_s", r.Scan}, {"link_rows_per_core_s", r.Link}, {"walk_ms", r.Walk},
		{"embedded_link_rows_per_core_s", r.EmbeddedLink}, {"embedded_walk_ms", r.EmbeddedWalk},
	} {
		if !(rate.value > 0) || math.IsInf(rate.value, 0) {
			return fmt.Errorf("the rate %s is %v, wanted a number above 0: %w", rate.name, rate.value, ErrRates)
		}
	}
	if r.Device == "" {
		return fmt.Errorf("the rates do not say on which device, wanted cpu or cuda:N: %w", ErrRates)
	}
	return nil
}

// ReadRates reads the report of engram bench: a JSON object whose member
// "rates" is a Rates. A rate that was not measured is missing there, and is
// taken from DefaultRates.
func ReadRates(r io.Reader) (Rates, error) {
	report := struct {
		Rates *Rates `json:"rates"`
	}{Rates: new(DefaultRates())}
	if err := json.NewDecoder(r).Decode(&report); err != nil {
		return Rates{}, fmt.Errorf("%w: %w", ErrRates, err)
	}
	if report.Rates == nil {
		return Rates{}, fmt.Errorf(`it has no "rates", wanted a report of engram bench: %w`, ErrRates)
	}
	return *report.Rates, report.Rates.check()
}
