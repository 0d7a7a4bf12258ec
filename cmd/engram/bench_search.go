package main

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"engram/cmd/engram/internal/app"
	"engram/cmd/engram/internal/bench"
	"engram/cmd/engram/internal/sweep"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// benchFlags are the flags of engram bench for searches alone.
type benchFlags struct {
	spec    sweep.Spec
	recalls []string
	threads []string
	server  string
	churn   bool
	json    string // file for the report

	filtered   bool
	writes     time.Duration
	durability string
	writeRate  float64
}

func (f *benchFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.spec.Vectors, "vectors", "", "`file.npy` of vectors, [N, D], to index and to search")
	flags.IntVar(&f.spec.Hard, "hard", 0, "`vectors` of --dim elements to generate, index and search: few clusters of many dimensions")
	flags.StringVar(&f.spec.Out, "out", "", "`folder` of the index of --vectors or --hard, which stays (default: it is removed)")
	flags.StringVar(&f.spec.Index, "index", "", "`index` to search as it is")
	flags.StringVar(&f.spec.Queries, "queries", "", "`file.npy` of queries, [Q, D] (default: generated, or items turned by 27°)")
	flags.StringVar(&f.spec.Outside, "outside-queries", "", "`file.npy` of queries of another distribution than the vectors, as texts are for images")
	flags.StringVar(&f.spec.Truth, "truth", "", "`file.npy` of the rows nearest to each query, [Q, 16 or more] (default: an exact search)")
	flags.StringSliceVar(&f.recalls, "recall", []string{".9", ".95", ".98", ".99"}, "recalls to ask for, beside an exact search")
	flags.StringSliceVar(&f.threads, "threads", []string{"1", "all"}, "threads that search at the same time")
	flags.Uint64Var(&f.spec.Seed, "seed", 1, "of what is generated")
	flags.StringVar(&f.server, "server", "", "`URL` of a server, such as http://localhost:8080, to ask over one connection")
	flags.BoolVar(&f.filtered, "filtered", false, "search --vectors or --hard with filters that choose from all items to one")
	flags.BoolVar(&f.churn, "churn", false, "delete half of the items of --vectors or --hard, add their vectors again under other ids, and search after each step")
	flags.DurationVar(&f.writes, "writes", 0, "write to the items of --vectors or --hard for so long, while they are searched and alone")
	flags.Float64Var(&f.writeRate, "write-rate", 0, "upserts a second of --writes (default: as many as there can be)")
	flags.StringVar(&f.durability, "durability", app.DefaultDurability, "of --writes: flush, log, group or call (see engram index put)")
	cmd.MarkFlagsMutuallyExclusive("vectors", "hard", "index", "server")
}

// check refuses flags that nothing would come of.
func (f *benchFlags) check(given *pflag.FlagSet) error {
	what := "" // is measured
	for _, name := range []string{"vectors", "hard", "index", "server"} {
		if given.Changed(name) {
			what = name
		}
	}
	for _, flag := range []struct {
		name string
		of   []string // what it is for
	}{
		{"out", []string{"vectors", "hard"}},
		{"queries", []string{"vectors", "hard", "index", "server"}},
		{"outside-queries", []string{"vectors", "hard", "index"}},
		{"truth", []string{"vectors", "hard", "index"}},
		{"recall", []string{"vectors", "hard", "index"}},
		{"threads", []string{"vectors", "hard", "index"}},
		{"seed", []string{"vectors", "hard", "index"}},
		{"writes", []string{"vectors", "hard"}},
		{"filtered", []string{"vectors", "hard"}},
		{"churn", []string{"vectors", "hard"}},
	} {
		if given.Changed(flag.name) && !slices.Contains(flag.of, what) {
			return fmt.Errorf("--%s is for --%s", flag.name, strings.Join(flag.of, ", --"))
		}
	}
	for _, name := range []string{"out", "queries", "outside-queries", "truth", "recall", "threads", "churn"} {
		for _, of := range []string{"writes", "filtered"} {
			if given.Changed(of) && given.Changed(name) && (of != "filtered" || name != "outside-queries") {
				return fmt.Errorf("--%s is not for --%s", name, of)
			}
		}
	}
	for _, name := range []string{"out", "truth"} {
		if f.churn && given.Changed(name) {
			return fmt.Errorf("--%s is not for --churn", name)
		}
	}
	switch {
	case given.Changed("writes") && f.writes <= 0:
		return fmt.Errorf("--writes is %v, wanted a time above 0", f.writes)
	case f.writes != 0 && f.filtered:
		return errors.New("--filtered is not for --writes")
	case given.Changed("durability") && f.writes == 0:
		return errors.New("--durability is for --writes")
	case given.Changed("write-rate") && f.writes == 0:
		return errors.New("--write-rate is for --writes")
	case given.Changed("write-rate") && !(f.writeRate > 0 && f.writeRate <= math.MaxFloat64): // NaN neither
		return fmt.Errorf("--write-rate is %v, wanted a number above 0", f.writeRate)
	case what == "hard" && f.spec.Hard < 1:
		return fmt.Errorf("--hard is %d, wanted 1 vector or more", f.spec.Hard)
	case what == "server" && f.spec.Queries == "":
		return errors.New("--server needs --queries, the vectors to ask by")
	}
	return nil
}

// searches returns what is measured. Folder, elements and rounds are the flags of the
// whole command.
func (f *benchFlags) searches(of bench.Spec) (sweep.Spec, error) {
	spec := f.spec
	spec.Dir, spec.Dim, spec.Rounds = of.Dir, of.Dim, of.Runs
	for _, text := range f.recalls {
		recall, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return spec, fmt.Errorf("--recall: %q, wanted a number above 0 and up to 1", text)
		}
		spec.Recalls = append(spec.Recalls, recall)
	}
	for _, text := range f.threads {
		threads, err := strconv.Atoi(text)
		if text == "all" {
			threads, err = runtime.GOMAXPROCS(0), nil
		}
		if err != nil {
			return spec, fmt.Errorf("--threads: %q, wanted a number or all", text)
		}
		spec.Threads = append(spec.Threads, threads)
	}
	return spec, nil
}
