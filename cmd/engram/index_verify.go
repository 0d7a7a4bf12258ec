package main

import (
	"errors"
	"fmt"
	"text/tabwriter"

	"engram/cmd/engram/internal/app"
	"engram/index/verify"

	"github.com/spf13/cobra"
)

func (c *console) indexVerifyCommand() *cobra.Command {
	var spec app.VerifySpec
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify INDEX",
		Short: "Check that an index is whole and finds what it should",
		Long: "Verify reads every item of an index and checks checksums, ids, counts, vectors and payloads. It gets\n" +
			"sampled items by their ids, makes their vectors again from their images, or finds vectors and payloads in\n" +
			"the files that they came from, and compares searches with exact ones. It prints a line per check, and\n" +
			"fails where one does. A folder is checked as it is at the start, and need not be writable; nobody else\n" +
			"may write to a collection meanwhile.",
		Example: "  engram index verify photos.index\n" +
			"  engram index verify coco.index --samples 1000 --model clip-vit-b-32 --json",
		Args: oneArgument("an index"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if spec.Samples < 1 || spec.Queries < 1 || spec.K < 1 {
				return fmt.Errorf("--samples, --queries and -k are %d, %d and %d, wanted 1 or more", spec.Samples, spec.Queries, spec.K)
			}
			if spec.Recall <= 0 || spec.Recall > 1 {
				return fmt.Errorf("--recall is %v, wanted more than 0 and at most 1", spec.Recall)
			}
			spec.Index = args[0]
			report, err := show(cmd.Context(), c, c.app().Verify, spec)
			if err != nil {
				return err
			}
			if asJSON {
				err = c.printJSON(report)
			} else {
				err = c.printChecks(report)
			}
			if err == nil && !report.OK() {
				err = fmt.Errorf("%s failed the check", args[0])
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&spec.Samples, "samples", 100, "items that are got by id, and whose vectors are made again")
	flags.IntVar(&spec.Queries, "queries", 100, "searches that are compared with exact ones")
	flags.IntVarP(&spec.K, "k", "k", 10, "results of each search")
	flags.Float64Var(&spec.Recall, "recall", .95, "the least mean recall@k")
	flags.Uint64Var(&spec.Seed, "seed", 0, "of the sample and the searches")
	flags.StringVar(&spec.Model, "model", "", modelOfIndex)
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// printChecks prints a line per check and a summary.
func (c *console) printChecks(r *verify.Report) error {
	table := tabwriter.NewWriter(c.stdout, 0, 4, 2, ' ', 0)
	for _, c := range r.Checks {
		fmt.Fprintf(table, "%s\t%s\t%s\n", c.Outcome, c.Name, c.Detail)
	}
	err := table.Flush()
	_, err2 := fmt.Fprintf(c.stdout, "%d items, digest %s; %.1f s\n", r.Items, r.Digest, r.Seconds)
	return errors.Join(err, err2)
}
