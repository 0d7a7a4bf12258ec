package main

import (
	"context"
	"fmt"

	"engram/cmd/engram/internal/app"
	"engram/index"
	"engram/index/plan"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (c *console) planCommand() *cobra.Command {
	var f planFlags
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Work out memory, disk, nodes and hours of an index before it is built",
		Long: "Plan works out what an index takes: bytes in memory and on disk, shards and nodes, hours to build,\n" +
			"milliseconds per query, months until the next node. Without --items it does so for COCO, LAION-400M and\n" +
			"LAION-5B. Hours follow from rates: the built-in ones, or the ones that engram bench --json has measured.",
		Example: "  engram plan\n" +
			"  engram plan --items 20000000 --dim 512 --ram 64 --growth 500000\n" +
			"  engram bench --json rates.json && engram plan --rates rates.json --explain",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.plan(cmd.Context(), f, cmd.Flags()) },
	}
	flags := cmd.Flags()
	flags.IntVar(&f.Items, "items", 0, "number of items (default: known data sets)")
	flags.IntVar(&f.Dim, "dim", 768, "elements of a vector")
	flags.StringVar((*string)(&f.Engine), "engine", "", "local (embedded, int8) or qdrant (default: local where it fits a node and searches in 100 ms)")
	flags.StringVar((*string)(&f.Quantisation), "quantisation", string(index.Int8), "what a search reads: none, int8 or binary; the embedded engine has int8")
	flags.IntVar(&f.Payload, "payload", 200, "bytes of an item's payload")
	flags.IntVar(&f.Indexes, "payload-indexes", 1, "fields of the payload that are filtered by, in Qdrant")
	flags.IntVar(&f.Tokens, "tokens", 0, "tokens kept of each item for re-ranking (CLIP ViT-L/14 has 257)")
	flags.IntVar(&f.TokenDim, "token-dim", 0, "elements of a token (default: as many as a vector has)")
	flags.StringVar((*string)(&f.TokenKind), "token-kind", string(index.TokensFloat16), "how tokens are kept: float16 or int8")
	flags.IntVar(&f.Links, "links", 16, "links of a row in the graph, HNSW's M")
	flags.IntVar(&f.Shards, "shards", 0, "shards of the collection (default: two per node)")
	flags.IntVar(&f.Replicas, "replicas", 1, "copies of each shard, on different nodes")
	flags.Float64Var(&f.ram, "ram", 256, "memory of a node in `GB`")
	flags.Float64Var(&f.disk, "disk", 8000, "disk of a node in `GB`")
	flags.IntVar(&f.Cores, "cores", 32, "cores of a node")
	flags.IntVar(&f.Encoders, "encoders", 1, "machines that encode images")
	flags.IntVar(&f.Growth, "growth", 0, "items that come in a month")
	flags.StringVar(&f.rates, "rates", "", "`file` of engram bench --json with what a machine does (default: built-in rates)")
	flags.BoolVar(&f.explain, "explain", false, "print the formula and the numbers behind each figure")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

// planFlags are what plan is asked for.
type planFlags struct {
	plan.Demand
	ram, disk     float64 // GB of a node
	rates         string
	explain, json bool
}

// plan works out and prints plans.
func (c *console) plan(ctx context.Context, f planFlags, given *pflag.FlagSet) error {
	for _, name := range []string{"token-dim", "token-kind"} {
		if given.Changed(name) && !given.Changed("tokens") {
			return fmt.Errorf("--%s needs --tokens, the number of tokens of an item", name)
		}
	}
	f.Memory, f.Disk = 1e9*f.ram, 1e9*f.disk
	plans, err := show(ctx, c, c.app().Plan, app.PlanSpec{Demands: f.demands(given), Rates: f.rates})
	if err != nil {
		return err
	}
	if f.json {
		return c.printJSON(map[string]any{"plans": plans})
	}
	if !f.explain {
		return plan.Print(c.stdout, plans...)
	}
	for _, p := range plans {
		if err := p.Explain(c.stdout); err != nil {
			return err
		}
	}
	return nil
}

// demands returns what is asked for, or the known data sets with those flags
// that were given.
func (f planFlags) demands(given *pflag.FlagSet) []plan.Demand {
	if given.Changed("items") {
		f.Name = "plan"
		return []plan.Demand{f.Demand}
	}
	known := plan.Known()
	for i, k := range known {
		d := f.Demand
		d.Name, d.Items = k.Name, k.Items
		if !given.Changed("dim") {
			d.Dim = k.Dim
		}
		if !given.Changed("payload") {
			d.Payload = k.Payload
		}
		known[i] = d
	}
	return known
}
