package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"engram/data/progress"
	"engram/embed/eval"
)

// Evaluation holds the scores of one subject or several.
type Evaluation struct {
	Subjects []Subject `json:"subjects"`
	// Over are means over two subjects or more, whose units are subjects.
	Over []SubjectsScore `json:"over_subjects,omitempty"`
	// OverPaired compares every two decoders over two subjects or more.
	OverPaired []PairedSubjectsScore `json:"paired_over_subjects,omitempty"`
}

// Subject is what decoders reached on one subject's scans.
type Subject struct {
	Name string `json:"subject"`
	*Scores
}

// PublishedSet is the Set of a SubjectsScore that is by the published protocol.
const PublishedSet = "300, 30 draws"

// SubjectsScore is a mean over subjects with Student's interval.
type SubjectsScore struct {
	Decoder    string        `json:"decoder"`
	Similarity string        `json:"similarity"`
	Repeats    int           `json:"repeats"`
	Set        string        `json:"set"` // "all", the name of a subset, or PublishedSet
	Among      string        `json:"among"`
	Subjects   int           `json:"subjects"`
	ImageTop1  eval.Interval `json:"image_top1"`
	BrainTop1  eval.Interval `json:"brain_top1"`
	// TwoWay is nil for the published protocol.
	TwoWay *eval.Interval `json:"two_way,omitempty"`
}

// subjectMark stands in paths for a subject's name.
const subjectMark = "{subject}"

// EvalSubjects scores decoders on each subject, see Eval, and sums the subjects up.
func (a *App) EvalSubjects(ctx context.Context, spec EvalSpec, watch progress.Func) (*Evaluation, error) {
	if len(spec.Subjects) == 0 {
		scores, err := a.Eval(ctx, spec, watch)
		return &Evaluation{Subjects: []Subject{{Scores: scores}}}, err
	}
	specs := make([]EvalSpec, len(spec.Subjects))
	for i, name := range spec.Subjects {
		if slices.Contains(spec.Subjects[:i], name) {
			return nil, fmt.Errorf("--subjects names %s twice", name)
		}
		var err error
		if specs[i], err = spec.of(name); err != nil {
			return nil, err
		}
		if err = specs[i].Data.present(); err != nil { // better now than after the subjects before
			return nil, fmt.Errorf("subject %s: %w", name, err)
		}
	}
	out := &Evaluation{}
	for i, name := range spec.Subjects {
		of := specs[i]
		scores, err := a.Eval(ctx, of, watch)
		if err != nil {
			return nil, fmt.Errorf("subject %s: %w", name, err)
		}
		for k, path := range of.Decoders {
			scores.rename(path, spec.Decoders[k])
		}
		out.Subjects = append(out.Subjects, Subject{name, scores})
	}
	if len(out.Subjects) > 1 {
		return out, errors.Join(out.addOver(), out.addOverPaired(spec.Seed))
	}
	return out, nil
}

// of returns the spec of one subject.
func (spec EvalSpec) of(subject string) (EvalSpec, error) {
	marked := false
	in := func(path string) string {
		marked = marked || strings.Contains(path, subjectMark)
		return strings.ReplaceAll(path, subjectMark, subject)
	}
	d := &spec.Data
	for _, path := range []*string{&d.Voxels, &d.Mask, &d.Stimuli, &d.Targets, &d.Trials, &d.MindEye, &spec.GalleryIndex} {
		*path = in(*path)
	}
	if d.MindEye != "" {
		number, err := strconv.Atoi(subject)
		if err != nil || number < 1 {
			return spec, fmt.Errorf("--subjects has %q, MindEye's subjects are numbers from 1", subject)
		}
		d.Subject, marked = number, true
	}
	if !marked {
		return spec, errors.New("--subjects needs {subject} in --voxels or another path of the data, or --mindeye")
	}
	spec.Predictions, spec.Decoders, spec.Subsets = in(spec.Predictions), slices.Clone(spec.Decoders), slices.Clone(spec.Subsets)
	for i := range spec.Decoders {
		spec.Decoders[i] = in(spec.Decoders[i])
	}
	for i := range spec.Subsets {
		spec.Subsets[i] = in(spec.Subsets[i])
	}
	return spec, nil
}

// rename gives a subject's decoder the name that all subjects' decoders have.
func (s *Scores) rename(from, to string) {
	set := func(name *string) {
		if *name == from {
			*name = to
		}
	}
	for i := range s.Scores {
		set(&s.Scores[i].Decoder)
	}
	for i := range s.Galleries {
		set(&s.Galleries[i].Decoder)
	}
	for i := range s.Sets {
		set(&s.Sets[i].Decoder)
	}
	for i := range s.Reliability {
		set(&s.Reliability[i].Decoder)
	}
	for i := range s.Paired {
		set(&s.Paired[i].FirstDecoder)
		set(&s.Paired[i].SecondDecoder)
	}
	for i := range s.Published {
		set(&s.Published[i].Decoder)
	}
	for i := range s.Examples {
		set(&s.Examples[i].Decoder)
	}
}

// addOver adds the means over subjects of every row that all subjects have.
func (e *Evaluation) addOver() error {
	type values struct{ image, brain, twoWay []float64 }
	found := map[SubjectsScore]*values{}
	var order []SubjectsScore
	at := func(key SubjectsScore) *values {
		if found[key] == nil {
			found[key], order = &values{}, append(order, key)
		}
		return found[key]
	}
	for _, s := range e.Subjects {
		for _, row := range s.Sets {
			v := at(SubjectsScore{Decoder: row.Decoder, Similarity: row.Similarity, Repeats: row.Repeats, Set: row.Set, Among: row.Among})
			v.image, v.brain = append(v.image, row.ImageTop1.Share), append(v.brain, row.BrainTop1.Share)
			v.twoWay = append(v.twoWay, row.TwoWay.Mean)
		}
		for _, row := range s.Published {
			v := at(SubjectsScore{Decoder: row.Decoder, Similarity: row.Similarity, Repeats: row.Repeats, Set: PublishedSet, Among: row.Among})
			v.image, v.brain = append(v.image, row.Image.Mean), append(v.brain, row.Brain.Mean)
		}
	}
	for _, key := range order {
		v, row := found[key], key
		if row.Subjects = len(v.image); row.Subjects < len(e.Subjects) {
			continue
		}
		var err error
		if row.ImageTop1, err = eval.OverSubjects(v.image); err != nil {
			return err
		}
		if row.BrainTop1, err = eval.OverSubjects(v.brain); err != nil {
			return err
		}
		if v.twoWay != nil {
			twoWay, err := eval.OverSubjects(v.twoWay)
			if err != nil {
				return err
			}
			row.TwoWay = &twoWay
		}
		e.Over = append(e.Over, row)
	}
	return nil
}
