package main

import (
	"cmp"
	"context"
	"fmt"

	"engram/cmd/engram/internal/app"
	"engram/embed/ort"
	"engram/embed/pixels"

	"github.com/spf13/cobra"
)

func (a *console) setupCommand() *cobra.Command {
	var gpu, offline, fetchOnly, asJSON bool
	cmd := &cobra.Command{
		Use:   "setup",
		Short: "Find or fetch ONNX Runtime and check that it runs",
		Long: "Setup finds libonnxruntime, or fetches and checks it, and runs a small model with it.\n" +
			"The other commands do the same by themselves when they need it.",
		Example: "  engram setup\n  engram setup --gpu\n  engram setup --onnxruntime /opt/onnxruntime/lib/libonnxruntime.so",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if gpu && !cmd.Flags().Changed("device") {
				a.device = "cuda:0"
			}
			found, err := a.setup(cmd.Context(), offline, fetchOnly)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(found)
			}
			fmt.Fprintf(a.stdout, "library  %s\nversion  %s\nhow      %s\ndevice   %s\ncache    %s\n",
				found.Library, found.Version, found.How, cmp.Or(found.Device, "not run"), found.Cache)
			return nil
		},
	}
	cmd.Flags().BoolVar(&gpu, "gpu", false, "the CUDA build, checked on cuda:0 (or --device)")
	cmd.Flags().BoolVar(&offline, "offline", false, "find only, fetch nothing")
	cmd.Flags().BoolVar(&fetchOnly, "fetch-only", false, "run no model, for machines that only prepare others")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// setupReport is what setup found.
type setupReport struct {
	Library string `json:"library"`
	Version string `json:"version"`
	How     string `json:"how"`    // found or fetched
	Device  string `json:"device"` // where the model ran, "" where none did
	Cache   string `json:"cache"`
}

// setup finds or fetches the library and, unless it is only fetched, runs the
// built-in model on it.
func (a *console) setup(ctx context.Context, offline, fetchOnly bool) (_ setupReport, err error) {
	report := setupReport{How: "found"}
	rt, err := a.app().Installed(ctx)
	if err != nil && !offline && a.libraryFlag == "" && ort.OptionsFromEnv(a.getenv).Path == "" {
		report.How = "fetched now"
		rt, err = a.loadRuntime(ctx)
	}
	if err != nil {
		return report, err
	}
	defer closeInto(&err, rt)
	report.Library, report.Version = rt.Path(), rt.Version()
	if report.Cache, err = a.cacheDir(); err != nil || fetchOnly {
		return report, err
	}
	b, err := a.openBundle(app.Pixels)
	if err != nil {
		return report, err
	}
	m, err := a.openModel(ctx, b)
	if err != nil {
		return report, fmt.Errorf("onnxruntime %s at %s does not run: %w", rt.Version(), rt.Path(), err)
	}
	defer closeInto(&err, m)
	if _, err := m.Encode(ctx, []*pixels.Image{{W: 1, H: 1, Pix: make([]byte, 3)}}); err != nil {
		return report, fmt.Errorf("onnxruntime %s at %s does not run: %w", rt.Version(), rt.Path(), err)
	}
	report.Device = m.Device()
	return report, nil
}
