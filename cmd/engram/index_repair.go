package main

import (
	"bufio"
	"fmt"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/index"

	"github.com/spf13/cobra"
)

func (c *console) indexRepairCommand() *cobra.Command {
	var yes, asJSON bool
	cmd := &cobra.Command{
		Use:   "repair INDEX",
		Short: "Make a damaged index whole again",
		Long: "Repair checks every byte of the folder of an index and says what is damaged, what it would do, and what is\n" +
			"lost; it does it after a question that is answered by yes. Graphs, codes and field indexes are made again\n" +
			"from the items. Items that are not damaged themselves are kept, those of other segments untouched.\n" +
			"Damaged files are kept in the folder damaged within the index. Nobody else may write meanwhile. The next\n" +
			"engram index build from its sources embeds lost images again. An index whose manifest makes no sense is\n" +
			"not repaired: the other files do not say which of them are the index, nor by which model it is.",
		Example: "  engram index repair photos.index\n" +
			"  engram index repair photos.index --json   # says it and changes nothing\n" +
			"  engram index repair photos.index --yes",
		Args: oneArgument("an index"),
		RunE: func(cmd *cobra.Command, args []string) error {
			spec := app.RepairSpec{Index: args[0], Write: yes}
			report, err := show(cmd.Context(), c, c.app().Repair, spec)
			switch {
			case err != nil:
				return err
			case asJSON:
				return c.printJSON(report)
			}
			if err := c.printRepair(report); err != nil || yes || len(report.Faults) == 0 {
				return err
			}
			fmt.Fprintf(c.stderr, "Repair %s? Answer yes or no: ", printable(args[0]))
			answer, _ := bufio.NewReader(c.stdin).ReadString('\n') // no answer is no
			if strings.TrimSpace(answer) != "yes" {
				_, err := fmt.Fprintf(c.stdout, "%s: left as it is\n", args[0])
				return err
			}
			spec.Write = true
			if report, err = show(cmd.Context(), c, c.app().Repair, spec); err != nil {
				return err
			}
			return c.printRepaired(report)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "repair without the question")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON; without --yes nothing is changed")
	return cmd
}

// printRepair prints what is damaged, and what a repair does or has done about it.
func (c *console) printRepair(r *index.RepairReport) error {
	if len(r.Faults) == 0 {
		_, err := fmt.Fprintf(c.stdout, "%s: nothing is damaged, %d items\n", r.Index, r.Items)
		return err
	}
	for _, f := range r.Faults {
		fmt.Fprintf(c.stdout, "damaged: %s\n", oneLine(f.Damage))
		fmt.Fprintf(c.stdout, "  repair: %s\n", oneLine(f.Remedy))
		if f.Lost > 0 {
			fmt.Fprintf(c.stdout, "  lost: %d items\n", f.Lost)
		}
	}
	if r.Repaired {
		return c.printRepaired(r)
	}
	_, err := fmt.Fprintf(c.stdout, "%d items stay, %d are lost%s\n", r.Items, r.Lost, lostWrites(r))
	return err
}

// lostWrites says where writes of the log are lost. Their number is not known.
func lostWrites(r *index.RepairReport) string {
	if r.LostRecords == 0 {
		return ""
	}
	return fmt.Sprintf(", and writes at %d places of the log", r.LostRecords)
}

func (c *console) printRepaired(r *index.RepairReport) error {
	_, err := fmt.Fprintf(c.stdout, "%s: repaired, %d items, %d lost%s\n", r.Index, r.Items, r.Lost, lostWrites(r))
	return err
}
