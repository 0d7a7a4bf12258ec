package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"engram/embed/pixels"
	"engram/index"
	"engram/index/audit"

	"github.com/spf13/cobra"
)

func (a *app) indexVerifyCommand() *cobra.Command {
	var f verifyFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify INDEX",
		Short: "Check that an index is whole and finds what it should",
		Long: "Verify reads every item of an index and checks checksums, ids, counts, vectors and payloads. It gets\n" +
			"sampled items by their ids, encodes sampled images again and compares them with their vectors, and\n" +
			"compares searches with exact ones. It prints a line per check, and fails where one does. Nobody else\n" +
			"may write to the index meanwhile.",
		Example: "  engram index verify photos.index\n" +
			"  engram index verify coco.index --samples 1000 --bundle clip --json",
		Args: oneArgument("an index"),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := a.verify(cmd.Context(), args[0], f)
			if err != nil {
				return err
			}
			if asJSON {
				err = a.printJSON(report)
			} else {
				err = a.printChecks(report)
			}
			if err == nil && !report.OK() {
				err = fmt.Errorf("%s failed the check", args[0])
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&f.Samples, "samples", 100, "items that are got by id, and whose images are encoded again")
	flags.IntVar(&f.Queries, "queries", 100, "searches that are compared with exact ones")
	flags.IntVarP(&f.K, "k", "k", 10, "results of each search")
	flags.Float64Var(&f.Recall, "recall", .95, "the least mean recall@k")
	flags.Uint64Var(&f.Seed, "seed", 0, "of the sample and the searches")
	flags.StringVar(&f.bundle, "bundle", "", "`folder` of the model bundle, where it is not at the place that the index remembers")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// verifyFlags say how much of an index to check.
type verifyFlags struct {
	audit.Options
	bundle string
}

// verify checks an index.
func (a *app) verify(ctx context.Context, name string, f verifyFlags) (_ *audit.Report, err error) {
	if f.Samples < 1 || f.Queries < 1 || f.K < 1 {
		return nil, fmt.Errorf("--samples, --queries and -k are %d, %d and %d, wanted 1 or more", f.Samples, f.Queries, f.K)
	}
	if f.Recall <= 0 || f.Recall > 1 {
		return nil, fmt.Errorf("--recall is %v, wanted more than 0 and at most 1", f.Recall)
	}
	store, origin, err := a.openIndex(ctx, name)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, store)
	s := searcher{app: a, store: store, origin: origin}
	if s.info, err = store.Info(ctx); err != nil {
		return nil, err
	}
	if s.origin.Root != "" {
		b, err := s.bundle(f.bundle)
		if err != nil {
			return nil, err
		}
		m, err := a.openModel(ctx, b)
		if err != nil {
			return nil, err
		}
		defer closeInto(&err, m)
		f.Encode = originals{m, s.origin.Root}.encode
	}
	bar := a.newProgress("verifying", "items")
	defer bar.finish()
	f.Progress = func(done, total int) { bar.set(int64(done), int64(total)) }
	return audit.Verify(ctx, store, f.Options)
}

// originals are the images that an index was made from.
type originals struct {
	model *model
	root  string
}

// encode returns the vector of an item's image, audit.ErrGone where the image
// is not as it was.
func (o originals) encode(ctx context.Context, item index.Item) ([]float32, error) {
	path, _ := item.Payload["path"].(string)
	file := filepath.Join(o.root, filepath.FromSlash(path))
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrGone, err)
	}
	if info.Size() != item.Payload["size"] || info.ModTime().UTC().Format(time.RFC3339Nano) != item.Payload["modified"] {
		return nil, audit.ErrGone
	}
	img, err := pixels.DecodeFile(file, pixels.Limits{})
	if err != nil {
		return nil, err
	}
	vectors, err := o.model.Encode(ctx, []*pixels.Image{img})
	if err != nil {
		return nil, err
	}
	return vectors[0], nil
}

// printChecks prints a line per check and a summary.
func (a *app) printChecks(r *audit.Report) error {
	table := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	for _, c := range r.Checks {
		fmt.Fprintf(table, "%s\t%s\t%s\n", c.Outcome, c.Name, c.Detail)
	}
	err := table.Flush()
	_, err2 := fmt.Fprintf(a.stdout, "%d items, digest %s; %.1f s\n", r.Items, r.Digest, r.Seconds)
	return errors.Join(err, err2)
}
