package demo

import (
	"context"
	"path/filepath"

	"engram/embed/dataset"
	"engram/embed/eval"
	"engram/embed/scan"

	"gonum.org/v1/gonum/blas/blas32"
)

const (
	scoresFile = "scores.json"
	observer   = "ideal observer"
	encoding   = "learned observer" // see encodingModel
)

// Score is what one way to identify scenes reached on one set of scans.
type Score struct {
	Set     string      `json:"set"`
	Choices int         `json:"choices"` // scenes to choose among, and scans
	Repeats int         `json:"repeats"` // of a scene that a scan is the mean of
	Decoder string      `json:"decoder"`
	Image   eval.Share  `json:"image_top1"` // a scan asks for its scene
	Brain   *eval.Share `json:"brain_top1"` // a scene asks for its scan; nil where that was not measured
	Chance  float64     `json:"chance"`
}

// scoring is the stage of the scores.
func (d *demo) scoring(from folders) stage {
	return stage{name: "scores", version: 3, inputs: []any{
		filepath.Base(from.decoders),
	}, build: func(ctx context.Context, dir string) error {
		scores, err := d.score(ctx, from)
		if err != nil {
			return err
		}
		return writeJSON(filepath.Join(dir, scoresFile), scores)
	}}
}

// score measures all decoders and both observers on test scenes and zebras, by one
// scan of each and by the mean of all.
func (d *demo) score(ctx context.Context, from folders) ([]Score, error) {
	observe, err := d.observing(ctx, from)
	if err != nil {
		return nil, err
	}
	learned, err := d.observeLearned(ctx, from)
	if err != nil {
		return nil, err
	}
	sets := []set{d.cast.test, d.cast.zebras}
	r, err := d.readScans(from.scans, sets...)
	if err != nil {
		return nil, err
	}
	var scores []Score
	for _, s := range sets {
		targets, err := dataset.Targets(filepath.Join(from.targets, s.name+".npy"), d.model.T, d.model.D)
		if err != nil {
			return nil, err
		}
		for _, repeats := range []int{1, d.Scale.Repeats} {
			blank := Score{Set: s.name, Choices: len(s.scenes), Repeats: repeats, Chance: 1 / float64(len(s.scenes))}
			scans, err := d.means(r, s, repeats)
			if err != nil {
				return nil, err
			}
			for _, decoder := range decoders {
				score := blank
				score.Decoder = decoder.label
				err := d.decode(ctx, filepath.Join(from.decoders, decoder.preset), targets, scans, &score)
				if err != nil {
					return nil, err
				}
				scores = append(scores, score)
			}
			byModel := blank
			byModel.Decoder, byModel.Image = encoding, learned[repeats][s.name]
			scores = append(scores, byModel)
			ideal := blank
			ideal.Decoder = observer
			if ideal.Image, err = observe(s, scans); err != nil {
				return nil, err
			}
			scores = append(scores, ideal)
		}
	}
	return scores, nil
}

// decode scores a decoder by its own metric.
func (d *demo) decode(ctx context.Context, dir string, targets, scans blas32.General, score *Score) error {
	decoder, err := scan.Open(d.encoder.Runtime(), dir, d.app.Session())
	if err != nil {
		return err
	}
	defer decoder.Close()
	predicted, err := decoder.Decode(ctx, scans)
	if err != nil {
		return err
	}
	metric, err := decoder.Metric()
	if err != nil {
		return err
	}
	sim, err := metric.Compare(ctx, targets, predicted, score.Repeats)
	if err != nil {
		return err
	}
	found, err := eval.Identify(sim)
	if err != nil {
		return err
	}
	brain := eval.Wilson(found.BrainTop1, score.Choices)
	score.Image, score.Brain = eval.Wilson(found.ImageTop1, score.Choices), &brain
	return nil
}

// observeLearned scores the encoding model: for each number of repeats, what it
// identifies of each set.
func (d *demo) observeLearned(ctx context.Context, from folders) (map[int]map[string]eval.Share, error) {
	r, err := d.readScans(from.scans, d.shown()...)
	if err != nil {
		return nil, err
	}
	m, err := d.learnEncoding(ctx, r)
	if err != nil {
		return nil, err
	}
	out := map[int]map[string]eval.Share{}
	for _, repeats := range []int{1, d.Scale.Repeats} {
		if out[repeats], err = m.identify(ctx, d, r, repeats); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// observing returns what scores the ideal observer. There is no ideal for brain
// retrieval: an observer's likelihoods compare scenes for a scan, not scans.
func (d *demo) observing(ctx context.Context, from folders) (func(set, blas32.General) (eval.Share, error), error) {
	subject, err := d.newSubject(ctx)
	if err != nil {
		return nil, err
	}
	return func(s set, scans blas32.General) (eval.Share, error) {
		responses, err := d.readResponses(from.scans, s)
		if err != nil {
			return eval.Share{}, err
		}
		observer, err := subject.Observer(responses)
		if err != nil {
			return eval.Share{}, err
		}
		right := 0
		for i := range scans.Rows {
			found, err := observer.Identify(scans.Data[i*scans.Stride:][:scans.Cols])
			if err != nil {
				return eval.Share{}, err
			}
			if found == i {
				right++
			}
		}
		return eval.Wilson(float64(right)/float64(scans.Rows), scans.Rows), nil
	}, nil
}
