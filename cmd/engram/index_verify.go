package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"text/tabwriter"

	"engram/cmd/engram/internal/app"
	"engram/index"
	"engram/index/source"
	"engram/index/verify"

	"github.com/spf13/cobra"
)

func (a *console) indexVerifyCommand() *cobra.Command {
	var f verifyFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify INDEX",
		Short: "Check that an index is whole and finds what it should",
		Long: "Verify reads every item of an index and checks checksums, ids, counts, vectors and payloads. It gets\n" +
			"sampled items by their ids, makes their vectors again from their images, or finds vectors and payloads in\n" +
			"the files that they came from, and compares searches with exact ones. It prints a line per check, and\n" +
			"fails where one does. Nobody else may write to the index meanwhile.",
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
	flags.IntVar(&f.Samples, "samples", 100, "items that are got by id, and whose vectors are made again")
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
	verify.Options
	bundle string
}

// verify checks an index.
func (a *console) verify(ctx context.Context, name string, f verifyFlags) (_ *verify.Report, err error) {
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
	s := searcher{console: a, store: store, origin: origin}
	if s.info, err = store.Info(ctx); err != nil {
		return nil, err
	}
	o, err := s.originals(ctx, f.bundle)
	switch {
	case err != nil && f.bundle != "":
		return nil, err
	case err != nil:
		f.Unknown = err.Error()
	default:
		defer closeInto(&err, o)
		f.Originals = o.vectors
	}
	display := a.display()
	defer display.finish()
	f.Progress = display.report
	return verify.Verify(ctx, store, f.Options)
}

// originals are what an index was made from.
type originals struct {
	shards []source.Shard
	model  *app.Model // nil where the shards have vectors
}

// originals opens the source of the index, and the model, by flag or where the
// index remembers it.
func (s searcher) originals(ctx context.Context, bundle string) (*originals, error) {
	if s.origin.String() == "" {
		return nil, errors.New("the index does not say what it was made from")
	}
	o := &originals{}
	var err error
	if o.shards, err = s.origin.Shards(ctx); err != nil || ofVectors(o.shards) {
		return o, err
	}
	b, err := s.bundle(bundle)
	if err != nil {
		return nil, err
	}
	o.model, err = s.openModel(ctx, b)
	return o, err
}

// Close frees the model.
func (o *originals) Close() error {
	if o.model == nil {
		return nil
	}
	return o.model.Close()
}

// vectors makes the vectors of items again.
func (o *originals) vectors(ctx context.Context, items []index.Item) ([]verify.Original, error) {
	made := make([]verify.Original, len(items))
	for found, err := range source.Find(ctx, o.shards, items) {
		if err != nil {
			return nil, err
		}
		switch to := &made[found.Item]; {
		case found.Changed:
		case found.Row.Vector != nil:
			// It is the number of a row alone that joins vector and payload.
			to.Vector, to.Payload = slices.Clone(found.Row.Vector), maps.Clone(found.Row.Payload)
		default:
			to.Vector, to.Err = o.encode(ctx, found.Row)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return made, nil
}

// encode returns the vector of a row's image.
func (o *originals) encode(ctx context.Context, row source.Row) ([]float32, error) {
	file, err := row.Open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	vector, err := o.model.Embed(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", row.Name, err)
	}
	return vector, nil
}

// printChecks prints a line per check and a summary.
func (a *console) printChecks(r *verify.Report) error {
	table := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
	for _, c := range r.Checks {
		fmt.Fprintf(table, "%s\t%s\t%s\n", c.Outcome, c.Name, c.Detail)
	}
	err := table.Flush()
	_, err2 := fmt.Fprintf(a.stdout, "%d items, digest %s; %.1f s\n", r.Items, r.Digest, r.Seconds)
	return errors.Join(err, err2)
}
