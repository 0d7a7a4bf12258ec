package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"engram/data/vfs"
)

// describe says in words where the rates come from.
func (r *Report) describe(remote bool) string {
	text := fmt.Sprintf("%d cores of %s, model %s on %s", r.Machine.Cores, r.Machine.name(), r.Model, r.Rates.Device)
	if !remote {
		text += "; upload, graph: built-in rates"
	}
	return text
}

// name is the processor, or the system where that is not known.
func (m Machine) name() string {
	if m.Processor == "" {
		return m.System
	}
	return m.Processor
}

// Print writes the report as a table for people.
func (r *Report) Print(w io.Writer) error {
	fmt.Fprintf(w, "machine  %s, %d cores", r.Machine.name(), r.Machine.Cores)
	if r.Machine.Memory > 0 {
		fmt.Fprintf(w, ", %.0f GB", r.Machine.Memory)
	}
	fmt.Fprintf(w, ", %s kernels, %s\n", r.Machine.Kernels, r.Machine.Go)
	fmt.Fprintf(w, "model   %s on %s\nvectors  %d × %d, random; images are generated\n\n", r.Model, r.Rates.Device, r.Rows, r.Dim)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "what\tper second\tslowest to fastest\truns")
	for _, s := range r.Results {
		fmt.Fprintf(table, "%s\t%s\t%s to %s\t%d", s.Name, s.rate(s.Rate), s.rate(s.Low), s.rate(s.High), s.Runs)
		if note := r.note(s); note != "" {
			fmt.Fprint(table, "\t", note)
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

// rate writes a rate with its unit.
func (s Result) rate(v float64) string {
	if s.Unit == "bytes" {
		return digits(v/1e9) + " GB"
	}
	return digits(v) + " " + s.Unit
}

// digits writes a number with three significant ones.
func digits(v float64) string {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'e', 2, 64), 64) // what was just written
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

// note says the same in another way.
func (r *Report) note(s Result) string {
	switch {
	case s.Unit == "queries":
		return digits(1000/s.Rate) + " ms a query"
	case s.Unit == "rows":
		return digits(s.Rate*4*float64(r.Dim)/1e6) + " MB of vectors"
	case s.Name == "exact search, float32":
		return digits(s.Rate/4/float64(r.Dim)/1e6) + " million rows"
	case s.Name == "exact search, int8":
		return digits(s.Rate/float64(r.Dim)/1e6) + " million rows"
	}
	return ""
}

// WriteFile writes the report as JSON.
func (r *Report) WriteFile(path string) error {
	return vfs.WriteFile(path, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	})
}
