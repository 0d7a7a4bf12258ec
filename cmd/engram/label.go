package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"engram/cmd/engram/internal/app"
	"engram/index"

	"github.com/spf13/cobra"
)

func (c *console) labelCommand() *cobra.Command {
	var f labelFlags
	cmd := &cobra.Command{
		Use:   "label [SOURCE...]",
		Short: "Give images the labels that fit them best, without training",
		Long: "Label compares each image with the texts of all labels in the space of a CLIP, and prints the most\n" +
			"probable ones. It reads the sources that index build reads, or labels the items of an index by the\n" +
			"vectors that it has. A file of labels has one a line; lines that begin with # are comments.\n\n" +
			"Each label is put into a template, by default \"" + app.DefaultTemplate + "\"; with several templates its vector is the\n" +
			"mean of theirs. Probabilities are the softmax of 100 times the cosine over the labels: they say which of\n" +
			"these labels fits best, not whether one fits at all.",
		Example: "  engram label ~/Pictures --labels labels.txt --model clip-vit-b-32\n" +
			"  engram label --index photos.index --labels labels.txt --top 3 --csv > labels.csv\n" +
			"  engram label ~/Pictures --labels labels.txt --model clip-vit-b-32 --template 'a photo of a {}' --template 'a drawing of a {}'",
		RunE: func(cmd *cobra.Command, args []string) error {
			spec, err := f.spec(c, args)
			if err != nil {
				return err
			}
			printer := c.labelPrinter(f)
			spec.Emit = printer.image
			report, err := show(cmd.Context(), c, c.app().Label, spec)
			if report == nil {
				return err
			}
			err = errors.Join(printer.flush(), err)
			c.printLabelled(report, err == nil)
			return err
		},
	}
	flags := cmd.Flags()
	f.source.add(flags)
	flags.StringVar(&f.labels, "labels", "", "`file` of labels, one a line (required)")
	flags.StringArrayVar(&f.Templates, "template", nil, "`text` with {} in the place of the label; may be given several times (default \""+app.DefaultTemplate+"\")")
	flags.StringVar(&f.templates, "templates", "", "`file` of templates, one a line")
	flags.IntVar(&f.Top, "top", 1, "labels of each image")
	flags.Float64Var(&f.Scale, "scale", app.LabelScale, "factor of the cosine before the softmax")
	flags.StringVar(&f.Index, "index", "", "label the items of this index: a `folder`, or a collection (default, without a source, "+app.DefaultIndex+" in this folder)")
	flags.StringVar(&f.Model, "model", "", "model of a CLIP: its name or `folder`; of an index the one that it remembers")
	flags.BoolVar(&f.AssumeModel, "assume-model", false, "take it on trust that this model made the vectors of an index that does not record its model")
	flags.IntVar(&f.Batch, "batch", 16, "images in one run of the model")
	flags.BoolVar(&f.json, "json", false, "print a JSON object for each image, one a line")
	flags.BoolVar(&f.csv, "csv", false, "print CSV: path, rank, label, probability")
	_ = cmd.MarkFlagRequired("labels") // the flag exists
	cmd.MarkFlagsMutuallyExclusive("json", "csv")
	cmd.MarkFlagsMutuallyExclusive("template", "templates")
	return cmd
}

// labelFlags are the flags of label.
type labelFlags struct {
	app.LabelSpec
	source            sourceFlags
	labels, templates string
	json, csv         bool
}

// spec returns what the flags and the arguments say.
func (f *labelFlags) spec(c *console, args []string) (spec app.LabelSpec, err error) {
	spec = f.LabelSpec
	switch {
	case spec.Top < 1 || spec.Batch < 1:
		return spec, fmt.Errorf("--top and --batch are %d and %d, wanted 1 or more", spec.Top, spec.Batch)
	case !(spec.Scale > 0) || math.IsInf(spec.Scale, 0): // or NaN
		return spec, fmt.Errorf("--scale is %v, wanted a number above 0", spec.Scale)
	case len(args) > 0 && spec.Index != "":
		return spec, errors.New("wanted a source or --index, found both (see engram label --help)")
	}
	if spec.Labels, err = c.readLines(f.labels); err != nil {
		return spec, fmt.Errorf("--labels: %w", err)
	}
	if f.templates != "" {
		if spec.Templates, err = c.readLines(f.templates); err != nil {
			return spec, fmt.Errorf("--templates: %w", err)
		}
	}
	if len(args) == 0 {
		spec.Index, err = c.indexOrDefault(spec.Index)
		return spec, err
	}
	spec.Source, err = f.source.spec(args[0])
	spec.Source.More = args[1:]
	return spec, err
}

// readLines reads a file of labels or templates, and says what is left out of it.
func (c *console) readLines(path string) ([]string, error) {
	lines, notes, err := app.ReadLines(path)
	for _, note := range notes {
		fmt.Fprintln(c.stderr, oneLine(note))
	}
	return lines, err
}

// labelPrinter prints images as they are labelled.
type labelPrinter struct {
	image func(app.Labelled) error
	flush func() error
}

// labelPrinter returns the printer of the form that the flags ask for.
func (c *console) labelPrinter(f labelFlags) labelPrinter {
	none := func() error { return nil }
	switch {
	case f.json:
		enc := json.NewEncoder(c.stdout)
		enc.SetEscapeHTML(false)
		return labelPrinter{func(l app.Labelled) error { return enc.Encode(newLabelView(l)) }, none}
	case f.csv:
		return csvPrinter(c.stdout)
	}
	return labelPrinter{func(l app.Labelled) error {
		var cells []string
		for _, s := range l.Labels {
			cells = append(cells, fmt.Sprintf("%s %.1f %%", oneLine(s.Label), 100*s.Probability))
		}
		_, err := fmt.Fprintf(c.stdout, "%s\t%s\n", oneLine(labelledName(l)), strings.Join(cells, "\t"))
		return err
	}, none}
}

// csvPrinter prints a line for each label, after a header.
func csvPrinter(to io.Writer) labelPrinter {
	w := csv.NewWriter(to)
	headed := false
	return labelPrinter{func(l app.Labelled) error {
		if !headed {
			headed = true
			if err := w.Write([]string{"path", "rank", "label", "probability"}); err != nil {
				return err
			}
		}
		for i, s := range l.Labels {
			if err := w.Write([]string{labelledName(l), strconv.Itoa(i + 1), s.Label, strconv.FormatFloat(s.Probability, 'f', 6, 64)}); err != nil {
				return err
			}
		}
		return nil
	}, func() error {
		w.Flush()
		return w.Error()
	}}
}

// labelView is an image with its labels as JSON.
type labelView struct {
	Path   string           `json:"path"`
	ID     string           `json:"id"`
	Labels []app.LabelScore `json:"labels"`
}

func newLabelView(l app.Labelled) labelView {
	return labelView{labelledName(l), strconv.FormatUint(uint64(l.ID), 10), l.Labels}
}

// labelledName tells an image from the others.
func labelledName(l app.Labelled) string {
	if l.Name != "" {
		return l.Name
	}
	return hitName(index.Hit{ID: l.ID, Payload: l.Payload})
}

// printLabelled says what became of the images, on stderr, where no list is.
func (c *console) printLabelled(r *app.LabelReport, whole bool) {
	for _, bad := range r.Bad {
		fmt.Fprintf(c.stderr, "skipped %s: %s\n", printable(bad.Name), bad.Reason)
	}
	for _, damaged := range r.Damaged {
		fmt.Fprintf(c.stderr, "damaged %s\n", printable(damaged))
	}
	for i := range r.Sources {
		for _, line := range append(r.Sources[i].OddLines(), r.Sources[i].Lines()...) {
			fmt.Fprintln(c.stderr, printable(line))
		}
	}
	if whole {
		fmt.Fprintf(c.stderr, "labelled %d images, bad %d\n%s\n", r.Labelled, r.Unusable, r.Rule)
	}
}
