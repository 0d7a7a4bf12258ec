package sweep

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"engram/data/vfs"
)

// Print writes the report as a table for people.
func (r *Report) Print(w io.Writer) error {
	fmt.Fprintf(w, "machine  %s, %d cores, %s kernels\n", r.System, r.Cores, r.Kernels)
	fmt.Fprintf(w, "items    %d × %d, %s, engine %s\n", r.Items, r.Dim, r.Source, r.Engine)
	if b := r.Build; b != nil {
		fmt.Fprintf(w, "build    %.1f s, %.0f items/s, %.1f MB on disk\n", b.Seconds, b.Rows, float64(b.Disk)/1e6)
	}
	fmt.Fprintf(w, "open     %.1f ms", r.OpenMS)
	if r.Mapped > 0 {
		const mib = 1 << 20
		fmt.Fprintf(w, "; searches took %.0f MiB of memory, and %.0f MiB of mapped files", float64(r.Memory)/mib, float64(r.Mapped)/mib)
		fmt.Fprintf(w, "\nmemory   %.0f MiB resident, %.0f MiB of them of no file", float64(r.Resident)/mib, float64(r.Anonymous)/mib)
	}
	fmt.Fprintln(w)
	if r.Batch > 0 {
		fmt.Fprintf(w, "batch    %.0f exact queries/s together\n", r.Batch)
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	if r.churned() {
		fmt.Fprint(table, "index\t")
	}
	fmt.Fprintln(table, "queries\tthreads\tasked\trecall@10\tof 95 %\trecall@16\tqueries/s\tslowest to fastest\tp50 ms\tp99 ms")
	for _, p := range r.Points {
		asked := "exact"
		if p.Asked > 0 {
			asked = fmt.Sprint(p.Asked)
		}
		if r.churned() {
			fmt.Fprintf(table, "%s\t", p.State)
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%.4f\t%.1f\t%.4f\t%.0f\t%.0f to %.0f\t%.3f\t%.3f\n",
			p.Queries, p.Threads, asked, p.Recall10, p.Least10, p.Recall16, p.Rate, p.Low, p.High, p.P50, p.P99)
	}
	return table.Flush()
}

// churned reports whether points are of several states of the index.
func (r *Report) churned() bool { return len(r.Points) > 0 && r.Points[0].State != "" }

// WriteFile writes the report as JSON.
func (r *Report) WriteFile(path string) error { return writeJSON(path, r) }

func writeJSON(path string, v any) error {
	return vfs.WriteFile(path, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	})
}
