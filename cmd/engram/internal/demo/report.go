package demo

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
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
	Served    []Served `json:"served"` // by searches as the page makes them
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

// readMeasured reads the figures from the folders of their stages.
func (r *Report) readMeasured(made folders) error {
	return errors.Join(
		readJSON(filepath.Join(made.decoders, chosenFile), &r.Chosen),
		readJSON(filepath.Join(made.scores, scoresFile), &r.Scores),
		readJSON(filepath.Join(made.served, servedFile), &r.Served),
	)
}

// Print writes the report as a table for people.
func (r *Report) Print(w io.Writer) error {
	fmt.Fprintf(w, "scenes     %s\nsubject    %s\nembedding  %s\nseed       %d, scale %s\nchosen     %s\n\n",
		r.Scenes, r.Subject, r.Embedding, r.Seed, r.Scale.Name, strings.ReplaceAll(r.Chosen.Why, "; ", "\n           "))
	if err := r.printServed(w); err != nil {
		return err
	}
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

// printServed says what searches by scan find, as the page makes them.
func (r *Report) printServed(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "as served: scans of\trepeats\tfound by\tamong\tscene first (95 %)\tin the first five (95 %)\tfirst by one vector (95 %)\tchance")
	for _, s := range r.Served {
		fmt.Fprintf(table, "%d %s\t%d\t%s\t%s\t%s\t%s\t%s\t%.2f %%\n", s.Scans, setLabel(s.Set), s.Repeats, s.Decoder, count(s.Among), s.First, s.Five, s.OneVector, 100/float64(s.Among))
	}
	fmt.Fprintln(table)
	return table.Flush()
}

// printPictures says what the reconstructions are worth.
func (r *Report) printPictures(w io.Writer) {
	p := r.Pictures
	n := p.Test + p.Zebras
	fmt.Fprintf(w, "\npictures   %d reconstructed, of %d test scenes and %d zebras, each the best of %d by the scan's own tokens\n",
		n, p.Test, p.Zebras, p.Candidates)
	fmt.Fprintf(w, "two-way    %.1f %% by the CLIP among these %d (chance 50 %%), %.1f %% from the scenes' true tokens\n", 100*p.TwoWay, n, 100*p.Bound)
	fmt.Fprintf(w, "captions   %d of these %d scans are read as a training scene's caption that names a thing that was seen\n", p.CaptionsRight, n)
	fmt.Fprintf(w, "found      %d of these %d scans find their own scene first, searched as served; the sheet's last row shows what each finds\n", p.FoundFirst, n)
	fmt.Fprintf(w, "sheet      %s\n", p.Sheet)
}

func (s *Score) label() string { return setLabel(s.Set) }

// setLabel says what the scenes of a set are.
func setLabel(set string) string {
	if set == "test" {
		return "test scenes"
	}
	return set
}
