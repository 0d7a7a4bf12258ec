package demo

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"engram/embed/eval"
)

// SubjectsReport holds the figures of several simulated subjects. Subjects are the
// units of its means and intervals.
type SubjectsReport struct {
	Scenes    string     `json:"scenes"`
	Subject   string     `json:"subject"` // what each of them is
	Embedding string     `json:"embedding"`
	Model     string     `json:"model"` // fingerprint of the embedding's
	Scale     Scale      `json:"scale"`
	Subjects  []Measured `json:"subjects"`
	Over      []Over     `json:"over_subjects"`
}

// The figures of an Over.
const (
	ServedFirst = "served first"      // the seen scene is the first of all scenes of the index
	ServedFive  = "served in five"    // it is one of the first five
	OneVector   = "first, one vector" // it is the first by the first stage alone
	AmongTop1   = "first of the set"  // it is the first of the set's own scenes, by all tokens
)

// Over is one figure of all subjects.
type Over struct {
	Figure  string        `json:"figure"` // one of the figures above
	Set     string        `json:"set"`
	Scans   int           `json:"scans"` // of each subject
	Repeats int           `json:"repeats"`
	Decoder string        `json:"decoder"`
	Among   int           `json:"among"`  // scenes to choose among
	Chance  float64       `json:"chance"` // of the figure
	Shares  []float64     `json:"shares"` // of each subject, in the order of the subjects
	Mean    eval.Interval `json:"mean"`   // over subjects, Student's 95 % interval; of one subject the share alone
}

// newSubjectsReport takes what all subjects have in common from the report of one.
func newSubjectsReport(r *Report) *SubjectsReport {
	return &SubjectsReport{Scenes: r.Scenes, Subject: r.Subject, Embedding: r.Embedding, Model: r.Model, Scale: r.Scale}
}

// sum adds the means of every figure that all subjects have.
func (r *SubjectsReport) sum() error {
	shares := func(of func(Measured) []Over) error {
		for i, row := range of(r.Subjects[0]) {
			for _, s := range r.Subjects {
				row.Shares = append(row.Shares, of(s)[i].Mean.Mean)
			}
			row.Mean = eval.Interval{Mean: row.Shares[0], Low: row.Shares[0], High: row.Shares[0]}
			if len(r.Subjects) > 1 {
				var err error
				if row.Mean, err = eval.OverSubjects(row.Shares); err != nil {
					return err
				}
			}
			r.Over = append(r.Over, row)
		}
		return nil
	}
	for _, of := range []func(Measured) []Over{Measured.first, Measured.five, Measured.oneVector, Measured.among} {
		for _, s := range r.Subjects {
			if got, want := len(of(s)), len(of(r.Subjects[0])); got != want {
				return fmt.Errorf("seed %d has %d figures, seed %d has %d (delete the folder %s to have them measured again)", s.Seed, got, r.Subjects[0].Seed, want, subjectsDir)
			}
		}
		if err := shares(of); err != nil {
			return err
		}
	}
	return nil
}

// first returns the rows of ServedFirst, their Mean the subject's share.
func (m Measured) first() (rows []Over) {
	for _, s := range m.Served {
		rows = append(rows, s.over(ServedFirst, 1, s.First))
	}
	return rows
}

// five returns the rows of ServedFive.
func (m Measured) five() (rows []Over) {
	for _, s := range m.Served {
		rows = append(rows, s.over(ServedFive, 5, s.Five))
	}
	return rows
}

// oneVector returns the rows of OneVector.
func (m Measured) oneVector() (rows []Over) {
	for _, s := range m.Served {
		rows = append(rows, s.over(OneVector, 1, s.OneVector))
	}
	return rows
}

func (s Served) over(figure string, hits int, share eval.Share) Over {
	return Over{
		Figure: figure, Set: s.Set, Scans: s.Scans, Repeats: s.Repeats, Decoder: s.Decoder, Among: s.Among,
		Chance: float64(hits) / float64(s.Among), Mean: eval.Interval{Mean: share.Share},
	}
}

// among returns the rows of AmongTop1.
func (m Measured) among() (rows []Over) {
	for _, s := range m.Scores {
		rows = append(rows, Over{
			Figure: AmongTop1, Set: s.Set, Scans: s.Choices, Repeats: s.Repeats, Decoder: s.Decoder, Among: s.Choices,
			Chance: s.Chance, Mean: eval.Interval{Mean: s.Image.Share},
		})
	}
	return rows
}

// headings say what the tables of figures show.
var headings = [...]struct{ figure, heading string }{
	{ServedFirst, "first, as served"},
	{ServedFive, "in the first five, as served"},
	{OneVector, "first, by one vector without the second stage"},
	{AmongTop1, "first of the set alone"},
}

// Print writes a table for each figure.
func (r *SubjectsReport) Print(w io.Writer) error {
	fmt.Fprintf(w, "scenes     %s; others for each subject\nsubjects   %d, %s\nembedding  %s\nscale      %s\n", r.Scenes, len(r.Subjects), r.Subject, r.Embedding, r.Scale.Name)
	for _, s := range r.Subjects {
		preset, _, _ := strings.Cut(s.Chosen.Why, ";")
		fmt.Fprintf(w, "chosen     seed %d: %s\n", s.Seed, preset)
	}
	for _, h := range headings {
		if err := r.printFigure(w, h.figure, h.heading); err != nil {
			return err
		}
	}
	return nil
}

// printFigure writes the table of one figure.
func (r *SubjectsReport) printFigure(w io.Writer, figure, heading string) error {
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintf(table, "%s: scans of\trepeats\tfound by\tamong", heading)
	for _, s := range r.Subjects {
		fmt.Fprintf(table, "\tseed %d", s.Seed)
	}
	fmt.Fprintln(table, "\tmean (95 % over subjects)\tchance")
	for _, row := range r.Over {
		if row.Figure != figure {
			continue
		}
		fmt.Fprintf(table, "%d %s\t%d\t%s\t%s", row.Scans, setLabel(row.Set), row.Repeats, row.Decoder, count(row.Among))
		for _, share := range row.Shares {
			fmt.Fprintf(table, "\t%.1f %%", 100*share)
		}
		mean := row.Mean.String()
		if len(row.Shares) == 1 {
			mean = "one subject"
		}
		fmt.Fprintf(table, "\t%s\t%.2f %%\n", mean, 100*row.Chance)
	}
	return table.Flush()
}

// CSV writes every figure in long form: a line for each subject, and one for the mean
// with its interval.
func (r *SubjectsReport) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
	lines := [][]string{{"figure", "set", "scans", "repeats", "found_by", "among", "chance", "subject", "share", "low", "high"}}
	for _, row := range r.Over {
		key := []string{row.Figure, row.Set, strconv.Itoa(row.Scans), strconv.Itoa(row.Repeats), row.Decoder, strconv.Itoa(row.Among), number(row.Chance)}
		for i, s := range r.Subjects {
			lines = append(lines, append(slices.Clone(key), fmt.Sprintf("seed %d", s.Seed), number(row.Shares[i]), "", ""))
		}
		if len(r.Subjects) > 1 {
			lines = append(lines, append(key, "mean", number(row.Mean.Mean), number(row.Mean.Low), number(row.Mean.High)))
		}
	}
	return out.WriteAll(lines)
}
