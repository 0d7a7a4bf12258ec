package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"engram/cmd/engram/internal/app"
	"engram/embed/eval"
	"engram/recon/metrics"
)

// evalReconstructions scores a folder of reconstructions and prints the table.
func (c *console) evalReconstructions(ctx context.Context, spec app.PublishedSpec, asJSON bool) error {
	found, err := show(ctx, c, c.app().EvalReconstructions, spec)
	if err != nil {
		return err
	}
	if asJSON {
		return c.printJSON(found)
	}
	return printPublished(c.stdout, found)
}

// printPublished writes the table of the literature, a column for each metric.
func printPublished(w io.Writer, found *app.Published) error {
	fmt.Fprintf(w, "%d images, %s; means with 95 %% intervals\n\n", found.Images, found.Folder)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprint(table, "pictures\tPixCorr\tSSIM")
	columns := []string{"PixCorr", "SSIM"}
	for _, f := range found.Rows[0].Features {
		columns = append(columns, f.Name)
		if distanceOf(f.Name) {
			fmt.Fprintf(table, "\t%s distance", f.Name)
			continue
		}
		fmt.Fprintf(table, "\t%s two-way", f.Name)
	}
	fmt.Fprintln(table)
	for _, r := range found.Rows {
		fmt.Fprintf(table, "%s\t%s\t%s", r.Pictures, decimals(r.PixCorr), decimals(r.SSIM))
		for _, f := range r.Features {
			if distanceOf(f.Name) {
				fmt.Fprintf(table, "\t%s", decimals(f.Distance))
				continue
			}
			fmt.Fprintf(table, "\t%s", f.TwoWay)
		}
		fmt.Fprintln(table)
	}
	if found.Data == metrics.NSD {
		printPublishedScores(table, columns)
	}
	return table.Flush()
}

// printPublishedScores writes the figures of the literature below the columns.
func printPublishedScores(w io.Writer, columns []string) {
	fmt.Fprint(w, "MindEye, subject 1, 982 images, as published")
	for _, column := range columns {
		at := slices.IndexFunc(metrics.PublishedScores(), func(s metrics.PublishedScore) bool { return s.Column == column })
		switch {
		case at < 0:
			fmt.Fprint(w, "\t-")
		case at < 2 || metrics.PublishedScores()[at].Distance:
			fmt.Fprintf(w, "\t%.3f", metrics.PublishedScores()[at].Value)
		default:
			fmt.Fprintf(w, "\t%.1f %%", 100*metrics.PublishedScores()[at].Value)
		}
	}
	fmt.Fprintln(w)
}

// distanceOf reports whether the literature scores a network by the distance.
func distanceOf(name string) bool {
	return slices.ContainsFunc(metrics.PublishedScores(), func(s metrics.PublishedScore) bool { return s.Column == name && s.Distance })
}

// decimals writes a mean and its interval as numbers.
func decimals(i eval.Interval) string {
	return fmt.Sprintf("%.3f (%.3f–%.3f)", i.Mean, i.Low, i.High)
}
