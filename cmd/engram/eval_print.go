package main

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"engram/cmd/engram/internal/app"
	"engram/embed/eval"
)

// printEvaluation prints the scores of each subject, and the means over several.
func printEvaluation(w io.Writer, e *app.Evaluation) error {
	for i, s := range e.Subjects {
		if s.Name != "" {
			if i > 0 {
				fmt.Fprintln(w)
			}
			fmt.Fprintf(w, "subject %s\n\n", s.Name)
		}
		if err := printScores(w, s.Scores); err != nil {
			return err
		}
	}
	if len(e.Over) == 0 {
		return nil
	}
	fmt.Fprintf(w, "\nmeans over %d subjects (Student's 95 %% interval)\n\n", len(e.Subjects))
	t := newTextTable(w, "decoder", "similarity", "repeats", "set", "among", "image top-1", "brain top-1", "two-way")
	for _, o := range e.Over {
		twoWay := ""
		if o.TwoWay != nil {
			twoWay = o.TwoWay.String()
		}
		t.row(o.Decoder, o.Similarity, o.Repeats, o.Set, o.Among, o.ImageTop1, o.BrainTop1, twoWay)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return printOverPaired(w, e)
}

// printOverPaired prints the tests of two decoders whose units are subjects.
func printOverPaired(w io.Writer, e *app.Evaluation) error {
	if len(e.OverPaired) == 0 {
		return nil
	}
	n := len(e.Subjects)
	fmt.Fprintf(w, "\npaired over %d subjects (sign flips of the subjects' differences: p is %s at least)\n\n", n, pValue(math.Ldexp(1, 1-n)))
	t := newTextTable(w, "second less first", "repeats", "image top-1 (95 %)", "p", "p (Holm)", "two-way (95 %)", "p")
	for _, p := range e.OverPaired {
		t.row(p.SecondDecoder+" less "+p.FirstDecoder, p.Repeats, p.Top1, pValue(p.Top1P), pValue(p.Adjusted), p.TwoWay, pValue(p.TwoWayP))
	}
	return t.Flush()
}

// textTable is a table of aligned columns.
type textTable struct{ *tabwriter.Writer }

func newTextTable(w io.Writer, columns ...string) textTable {
	t := textTable{tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)}
	fmt.Fprintln(t, strings.Join(columns, "\t"))
	return t
}

func (t textTable) row(cells ...any) {
	text := make([]string, len(cells))
	for i, cell := range cells {
		text[i] = fmt.Sprint(cell)
	}
	fmt.Fprintln(t, strings.Join(text, "\t"))
}

// printScores prints all that is known of decoders.
func printScores(w io.Writer, s *app.Scores) error {
	for _, table := range []func(io.Writer, *app.Scores) error{printTrials, printGalleries, printSets, printPaired, printReliability} {
		if err := table(w, s); err != nil {
			return err
		}
	}
	fmt.Fprintln(w)
	if s.Published == nil {
		fmt.Fprintf(w, "top-1 of %d    not drawn: %d images were seen\n", eval.PublishedGallery, s.Images)
	}
	for _, p := range s.Published {
		fmt.Fprintf(w, "top-1 of %d    %s, %d repeats, mean of 30 draws%s: image %s, brain %s, by %s\n",
			eval.PublishedGallery, p.Decoder, p.Repeats, amongTrained(p.Among), p.Image, p.Brain, p.Similarity)
	}
	if err := printCeiling(w, s); err != nil {
		return err
	}
	printStated(w, s)
	printChosen(w, s)
	if s.Gallery != "" {
		fmt.Fprintf(w, "gallery         %s\n", s.Gallery)
	}
	_, err := fmt.Fprintf(w, "data            %s\nmatched         %s\n", s.Recording, s.Seen)
	return err
}

// amongTrained says that images which decoders were trained on are among the candidates.
func amongTrained(among string) string {
	if among == app.AmongTrained {
		return " from " + among
	}
	return ""
}

// printStated says how well the probability that searches of an index state, that the
// first image was seen, keeps its word.
func printStated(w io.Writer, s *app.Scores) {
	for _, g := range s.Galleries {
		if c := g.Stated; c != nil {
			fmt.Fprintf(w, "stated          %s, %d repeats, among %d as served: the first is right by %.1f %%, and was in %.1f %%; Brier %.4f (base %.4f), calibration error %.3f\n",
				g.Decoder, g.Repeats, g.Size, 100*c.Mean(), 100*g.Top1.Share, c.Brier, c.Base, c.Error)
		}
	}
}

// printChosen says what auto chose, and what the candidates of a cross-validation are.
func printChosen(w io.Writer, s *app.Scores) {
	for _, d := range s.Scores {
		if d.Chosen != "" {
			fmt.Fprintf(w, "chosen          %s: %s\n", d.Decoder, d.Chosen)
		}
	}
	if !s.CrossValidated {
		return
	}
	fmt.Fprintln(w, "candidates      the images that the scan's own fold holds out, which its decoder has not seen")
	for _, d := range s.Scores {
		if f := d.AmongTrained; f != nil {
			fmt.Fprintf(w, "published       %s among all images seen, trained ones too: two-way %.4f, image top-1 %.3f, top-5 %.3f, brain top-1 %.3f (chance %.3f)\n",
				d.Decoder, f.TwoWay, f.ImageTop1, f.ImageTop5, f.BrainTop1, f.Chance)
		}
	}
}

// printTrials prints the scores of single scans.
func printTrials(w io.Writer, s *app.Scores) error {
	t := newTextTable(w, "decoder", "trials", "two-way", "image top-1", "image top-5", "brain top-1", "chance top-1", "seconds")
	for _, s := range s.Scores {
		fmt.Fprintf(t, "%s\t%d\t%.4f\t%.3f\t%.3f\t%.3f\t%.3f\t%.1f\n",
			s.Decoder, s.Trials, s.TwoWay, s.ImageTop1, s.ImageTop5, s.BrainTop1, s.Chance, s.Seconds)
	}
	return t.Flush()
}

// printGalleries prints the scores of galleries that grow.
func printGalleries(w io.Writer, s *app.Scores) error {
	fmt.Fprintln(w)
	t := newTextTable(w, "decoder", "repeats", "gallery", "image top-1 (95 %)", "image top-5 (95 %)", "image top-10 (95 %)", "chance top-1")
	for _, g := range s.Galleries {
		size := strconv.Itoa(g.Size)
		if g.Index != "" {
			size += " of " + filepath.Base(g.Index) + ", " + g.Ranked
			if g.Set != "" {
				size = g.Set + " among " + size
			}
		}
		t.row(g.Decoder, g.Repeats, size, g.Top1, g.Top5, g.Top10, chance(g.Chance))
	}
	return t.Flush()
}

func chance(share float64) string { return fmt.Sprintf("%.2f %%", 100*share) }

// printSets prints the scores of all images and of subsets. Subsets are printed for the
// first similarity only; JSON, CSV and the report have them all.
func printSets(w io.Writer, s *app.Scores) error {
	fmt.Fprintln(w)
	t := newTextTable(w, "decoder", "similarity", "repeats", "set", "images", "among", "two-way (95 %)", "image top-1 (95 %)", "brain top-1 (95 %)", "chance top-1")
	for _, r := range s.Sets {
		if (r.Set != app.AllImages || r.Among == app.AmongTrained) && r.Similarity != s.Sets[0].Similarity {
			continue
		}
		set := r.Set
		if r.Among == app.AmongTrained {
			set = r.Among
		}
		t.row(r.Decoder, r.Similarity, r.Repeats, set, r.Predictions, r.Candidates, r.TwoWay, r.ImageTop1, r.BrainTop1, chance(r.Chance))
	}
	return t.Flush()
}

// printPaired prints the tests of two decoders on the same images.
func printPaired(w io.Writer, s *app.Scores) error {
	if len(s.Paired) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t := newTextTable(w, "second less first", "repeats", "first only", "second only", "image top-1 (95 %)", "p", "p (Holm)", "two-way (95 %)", "p")
	for _, p := range s.Paired {
		t.row(p.SecondDecoder+" less "+p.FirstDecoder, p.Repeats, p.First, p.Second, p.Top1, pValue(p.McNemar), pValue(p.Adjusted), p.TwoWay, pValue(p.Permutation))
	}
	return t.Flush()
}

func pValue(p float64) string {
	if p < 1e-4 {
		return "<0.0001"
	}
	return fmt.Sprintf("%.4f", p)
}

// printReliability prints how well decoders know when the first image is right.
func printReliability(w io.Writer, s *app.Scores) error {
	fmt.Fprintln(w)
	t := newTextTable(w, "decoder", "repeats", "first wrong", "risk at 80 % / 50 % answered", "AURC (best)", "Brier (base)", "calibration error")
	for _, r := range s.Reliability {
		brier, calibration := "too few images", ""
		if c := r.Calibration; c != nil {
			brier, calibration = fmt.Sprintf("%.4f (%.4f)", c.Brier, c.Base), fmt.Sprintf("%.3f", c.Error)
		}
		t.row(r.Decoder, r.Repeats, chance(r.Risk), chance(r.RiskAt(.8))+" / "+chance(r.RiskAt(.5)), fmt.Sprintf("%.4f (%.4f)", r.AURC, r.Best), brier, calibration)
	}
	return t.Flush()
}

// printCeiling prints what the noise of the scans allows at best.
func printCeiling(w io.Writer, s *app.Scores) error {
	c := s.Ceiling
	if c == nil {
		_, err := fmt.Fprintf(w, "noise ceiling   not known: %s\n", s.NoCeiling)
		return err
	}
	_, err := fmt.Fprintf(w, "noise ceiling   median of %d voxels, %d images × %d repeats: ncsnr %.3f; explainable variance %.1f %% of a trial, %.1f %% of the mean\n"+
		"split half      median r %.3f, by Spearman–Brown %.3f for the mean of %d\n",
		c.Voxels, c.Images, c.Repeats, c.NCSNR, 100*c.Single, 100*c.Mean, c.SplitHalf, c.SpearmanBrown, c.Repeats)
	return err
}
