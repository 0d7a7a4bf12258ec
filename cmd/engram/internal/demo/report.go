package demo

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Report says what was measured, on what, and how long it took.
type Report struct {
	Scenes    string   `json:"scenes"`  // what they are
	Subject   string   `json:"subject"` // what it is
	Embedding string   `json:"embedding"`
	Model     string   `json:"model"` // fingerprint of the embedding's
	Seed      uint64   `json:"seed"`
	Scale     Scale    `json:"scale"`
	Chosen    Chosen   `json:"chosen"`
	Scores    []Score  `json:"scores"`
	Pictures  Pictures `json:"pictures"`
	Stages    []Done   `json:"stages"`
}

func (d *demo) newReport() Report {
	s := d.Scale
	return Report{
		Scenes: fmt.Sprintf("generated: %s drawn scenes to search among, %d test scenes and %d of zebras that differ in details only",
			count(s.Gallery), s.Test, s.Zebras),
		Subject: fmt.Sprintf("simulated, no person was scanned: %s voxels; trained on %s scenes seen %d times each",
			count(s.Voxels), count(s.Seen), s.Repeats),
		Embedding: d.embedding(), Model: d.model.Fingerprint(),
		Seed: d.Seed, Scale: s, Stages: d.stages,
	}
}

// Print writes the report as a table for people.
func (r *Report) Print(w io.Writer) error {
	fmt.Fprintf(w, "scenes     %s\nsubject    %s\nembedding  %s\nseed       %d, scale %s\nchosen     %s\n\n",
		r.Scenes, r.Subject, r.Embedding, r.Seed, r.Scale.Name, strings.ReplaceAll(r.Chosen.Why, "; ", "\n           "))
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "scans of\trepeats\tfound by\tscene top-1 (95 %)\tscan top-1 (95 %)\tchance")
	for _, s := range r.Scores {
		brain := "–"
		if s.Brain != nil {
			brain = s.Brain.String()
		}
		fmt.Fprintf(table, "%d %s\t%d\t%s\t%s\t%s\t%.1f %%\n", s.Choices, s.label(), s.Repeats, s.Decoder, s.Image, brain, 100*s.Chance)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	r.printPictures(w)
	var total float64
	fmt.Fprint(w, "\nseconds    ")
	for _, s := range r.Stages {
		fmt.Fprintf(w, "%s %.1f, ", s.Stage, s.Seconds)
		total += s.Seconds
	}
	_, err := fmt.Fprintf(w, "together %.1f\n", total)
	return err
}

// printPictures says what the reconstructions are worth.
func (r *Report) printPictures(w io.Writer) {
	p := r.Pictures
	n := p.Test + p.Zebras
	fmt.Fprintf(w, "\npictures   %d reconstructed, of %d test scenes and %d zebras, each the best of %d by the scan's own tokens\n",
		n, p.Test, p.Zebras, p.Candidates)
	fmt.Fprintf(w, "two-way    %.1f %% by the CLIP among these %d (chance 50 %%), %.1f %% from the scenes' true tokens\n", 100*p.TwoWay, n, 100*p.Bound)
	fmt.Fprintf(w, "sheet      %s\n", p.Sheet)
}

func (s *Score) label() string {
	if s.Set == "test" {
		return "test scenes"
	}
	return s.Set
}
