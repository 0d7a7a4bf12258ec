package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/data/laion"
	"engram/index/open"
	"engram/index/source"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The help of --model: of commands that embed, and of ones that work with an index.
const (
	modelHelp    = "`name` of the model, which is fetched where it is not installed (see engram model list), or its folder"
	modelOfIndex = "`name` or folder of the model, where it is not at the place that the index remembers"
)

// completeModels lets a shell complete the names of models after --model, where that
// takes a name.
func (c *console) completeModels(cmd *cobra.Command) {
	if flag := cmd.Flags().Lookup("model"); flag != nil && strings.Contains(flag.Usage, "name") {
		_ = cmd.RegisterFlagCompletionFunc("model", c.completeModel) // the flag exists, and has no function yet
	}
	for _, sub := range cmd.Commands() {
		c.completeModels(sub)
	}
}

// indexHelp is the help of --index.
const indexHelp = "`folder` of the index, or " + open.Form + " (default " + app.DefaultIndex + " in this folder)"

// indexOrDefault returns the index that a command reads, and says which one it is
// where none is named.
func (c *console) indexOrDefault(name string) (string, error) {
	if name != "" {
		return name, nil
	}
	if _, err := os.Stat(app.DefaultIndex); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("there is no %s in this folder: make one with \"engram index build FOLDER\", or name an index with --index", app.DefaultIndex)
	}
	c.sayDefaultIndex()
	return app.DefaultIndex, nil
}

// sayDefaultIndex says that the index is the default one.
func (c *console) sayDefaultIndex() {
	fmt.Fprintf(c.stderr, "the index is %s in this folder\n", app.DefaultIndex)
}

// sourceFlags say what to read, and how.
type sourceFlags struct {
	app.SourceSpec
	kind, set string
}

// add adds the flags that say how to read the source.
func (f *sourceFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.kind, "source", "", fmt.Sprintf("`kind` of the source, where it is not found out: one of %q", source.Kinds()))
	flags.StringSliceVar(&f.Include, "include", nil, "of a folder of images, only files or folders that match the `pattern`, such as *.jpg")
	flags.StringSliceVar(&f.Exclude, "exclude", nil, "and none that match this `pattern`")
	flags.BoolVar(&f.Masks, "masks", false, "of a folder of images, masks and annotation pictures, too")
	flags.StringVar(&f.set, "embeddings", "image", "which of LAION's embeddings: image or text")
	flags.StringVar(&f.Column, "column", "", "`name` of the Parquet column with vectors, where it is not found out")
}

// spec returns what the flags say of a source.
func (f *sourceFlags) spec(place string) (app.SourceSpec, error) {
	s := f.SourceSpec
	s.Place, s.Kind = place, source.Kind(f.kind)
	switch f.set {
	case "image", "":
		s.Set = laion.Image
	case "text":
		s.Set = laion.Text
	default:
		return s, fmt.Errorf("--embeddings is %q, wanted image or text", f.set)
	}
	return s, nil
}

// addCollection adds the flags that say how a collection is set up, whose help
// begins alike.
func addCollection(flags *pflag.FlagSet, spec *open.Collection) {
	const made = "of a new collection: "
	flags.StringVar((*string)(&spec.Quantisation), "quantisation", "", made+"what a search reads in memory, int8, binary or none, which are the vectors themselves (default int8)")
	flags.IntVar(&spec.Shards, "shards", 0, made+"parts that a cluster spreads over its nodes (default: as the server has it)")
	flags.IntVar(&spec.Replicas, "replicas", 0, made+"copies of each shard, on different nodes (default: as the server has it)")
	flags.StringToStringVar(&spec.PayloadIndexes, "payload-index", nil, "`key=kind` of a payload that filters use often, which gets an index, the kind being keyword, integer, number, bool or words")
	flags.Lookup("payload-index").DefValue = "" // in the help, or else []
}

// checkCollection refuses flags that cannot be followed in an index of that name.
func checkCollection(spec open.Collection, name string) error {
	if err := spec.Check(name); err != nil {
		return fmt.Errorf("--%w", err) // it begins with the name of the flag
	}
	return nil
}
