package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"engram/data/progress"
	"engram/embed"
	"engram/embed/model"
	"engram/index"
	"engram/index/ingest"
	"engram/index/source"
)

// LabelScale is the factor of the cosine before the softmax: the largest one that
// CLIP learns, and the one that its published weights have (arXiv 2103.00020,
// section 2.5).
const LabelScale = 100

// DefaultTemplate is the text that a label is put into (arXiv 2103.00020, section
// 3.1.4).
const DefaultTemplate = "a photo of a {}"

// LabelSpec says which images to give which labels.
type LabelSpec struct {
	Source SourceSpec // of images; "" where the items of Index are labelled
	Index  string
	Model  string // with a text graph; "": where the index remembers it
	// AssumeModel takes it on trust that Model made the vectors of an index that does
	// not record its model.
	AssumeModel bool
	Labels      []string
	Templates   []string // texts with {} for the label; none: DefaultTemplate
	Scale       float64  // of the cosine before the softmax; 0: LabelScale
	Top         int      // labels of each image; 0: 1
	Batch       int      // images in one run of the model; 0: 16
	// Emit is given one image after another, in the order of the source.
	Emit func(Labelled) error
}

// Labelled are the labels of one image, the most probable first.
type Labelled struct {
	Name    string // of the row in its source; "" of an item
	ID      index.ID
	Payload index.Payload
	Labels  []LabelScore
}

// LabelScore is a label with its share of the softmax over all labels.
type LabelScore struct {
	Label       string  `json:"label"`
	Probability float64 `json:"probability"`
}

// LabelReport says what became of the images.
type LabelReport struct {
	Rule     string // how cosines became probabilities
	Labelled int
	Unusable int
	Bad      []ingest.Bad // the first 1,000 of the unusable ones
	Sources  []source.Summary
	Damaged  []string // shards that could not be read to their end, with the reason
}

// Label gives images the labels whose texts are nearest to them: zero-shot
// classification (arXiv 2103.00020, section 3.1). The report is not nil where images
// were labelled, also beside an error.
func (a *App) Label(ctx context.Context, spec LabelSpec, watch progress.Func) (_ *LabelReport, err error) {
	if len(spec.Labels) == 0 {
		return nil, errors.New("wanted a label or more, found none")
	}
	if spec.Index != "" {
		return a.labelIndex(ctx, spec, watch)
	}
	if spec.Model == "" {
		return nil, fmt.Errorf("wanted --model with the model of a CLIP, such as %s", WordsModel)
	}
	sources, err := spec.Source.open(ctx)
	if err != nil {
		return nil, err
	}
	m, err := a.OpenModel(ctx, spec.Model, watch)
	if err != nil {
		return nil, err
	}
	if err := needText(m); err != nil {
		return nil, err
	}
	l, err := a.newLabeller(ctx, spec, m, watch)
	if err != nil {
		return nil, err
	}
	encoder, err := a.OpenImageEncoder(ctx, m, watch)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, encoder)
	stream := labelStream{labeller: l, encoder: pictureEncoder{encoder}, batch: cmp.Or(spec.Batch, 16)}
	err = stream.run(ctx, sources, watch)
	l.report.Sources = summaries(sources)
	if err == nil && l.report.Labelled == 0 {
		err = noneLabelled(spec.Source.Place, l.report, sources)
	}
	return l.report, err
}

// noneLabelled says why no image of a source has labels.
func noneLabelled(place string, r *LabelReport, sources []*opened) error {
	if len(r.Bad) > 0 {
		return fmt.Errorf("none of the %d images of %s could be used; %s: %s", r.Unusable, place, r.Bad[0].Name, r.Bad[0].Reason)
	}
	return noImages(place, sources[0].findings.Summary())
}

// labelIndex labels the items of an index by the vectors that they have.
func (a *App) labelIndex(ctx context.Context, spec LabelSpec, watch progress.Func) (_ *LabelReport, err error) {
	x, err := a.OpenIndex(ctx, spec.Index)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, x)
	m, err := a.modelOf(ctx, x, modelSpec{spec.Model, spec.AssumeModel}, watch)
	if err != nil {
		return nil, err
	}
	l, err := a.newLabeller(ctx, spec, m, watch)
	if err != nil {
		return nil, err
	}
	total := int64(x.Info.Count)
	report := watch.Stage("labelling", "images", total)
	for item, err := range x.All(ctx) {
		if err != nil {
			return l.report, err
		}
		if err := l.emit(Labelled{ID: item.ID, Payload: item.Payload}, item.Vector); err != nil {
			return l.report, err
		}
		report(int64(l.report.Labelled), total)
	}
	if l.report.Labelled == 0 {
		return l.report, fmt.Errorf("%s is empty", spec.Index)
	}
	return l.report, nil
}

// labeller knows the vectors of the labels.
type labeller struct {
	spec    LabelSpec
	vectors []embed.Vector // of the labels, of unit length
	report  *LabelReport
}

// newLabeller embeds the labels. A label's vector is the mean of the vectors of its texts,
// one for each template (arXiv 2103.00020, section 3.1.4).
func (a *App) newLabeller(ctx context.Context, spec LabelSpec, m *model.Model, watch progress.Func) (_ *labeller, err error) {
	if len(spec.Templates) == 0 {
		spec.Templates = []string{DefaultTemplate}
	}
	spec.Scale, spec.Top = cmp.Or(spec.Scale, LabelScale), min(cmp.Or(spec.Top, 1), len(spec.Labels))
	for _, t := range spec.Templates {
		if !strings.Contains(t, "{}") {
			return nil, fmt.Errorf("the template %.60q has no {} for the label", t)
		}
	}
	encoder, err := a.OpenTextEncoder(ctx, m, watch)
	if err != nil {
		return nil, err
	}
	defer closeInto(&err, encoder)
	l := &labeller{spec: spec, report: &LabelReport{Rule: labelRule(m, spec.Scale), Bad: []ingest.Bad{}}}
	embedded := watch.Stage("embedding labels", "labels", int64(len(spec.Labels)))
	for i, label := range spec.Labels {
		vector, err := labelVector(ctx, encoder, label, spec.Templates)
		if err != nil {
			return nil, err
		}
		l.vectors = append(l.vectors, vector)
		embedded(int64(i+1), int64(len(spec.Labels)))
	}
	return l, nil
}

// labelVector returns the vector of a label.
func labelVector(ctx context.Context, encoder *TextEncoder, label string, templates []string) (embed.Vector, error) {
	if encoder.Tokenize(label).Known == 0 {
		return nil, embed.Sentence(embed.ErrText, "the model %s knows no word of the label %.60q", Label(encoder.Model()), label)
	}
	texts := make([]string, len(templates))
	for i, t := range templates {
		texts[i] = strings.ReplaceAll(t, "{}", label)
		if err := embed.CheckText(texts[i]); err != nil {
			return nil, fmt.Errorf("label %.60q: %w", label, err)
		}
	}
	vectors, err := encoder.Encode(ctx, texts)
	if err != nil {
		return nil, fmt.Errorf("label %.60q: %w", label, err)
	}
	parts := make([]embed.Weighted, len(vectors))
	for i, v := range vectors {
		parts[i] = embed.Weighted{Vector: v, Weight: 1}
	}
	return embed.Combine(parts)
}

// labelRule says how cosines become probabilities.
func labelRule(m *model.Model, scale float64) string {
	rule := fmt.Sprintf("probabilities are the softmax of %v times the cosine over the labels, as in CLIP; the model does not state a factor of its own", scale)
	if strings.Contains(strings.ToLower(m.Name+" "+m.Source), "siglip") {
		rule += " (SigLIP was trained with a sigmoid, whose scale and bias its graphs do not have)"
	}
	return rule
}

// emit hands on the labels of an image.
func (l *labeller) emit(to Labelled, vector []float32) error {
	logits := make([]float64, len(l.vectors))
	order := make([]int, len(l.vectors))
	for i, v := range l.vectors {
		order[i], logits[i] = i, l.spec.Scale*embed.Dot(v, vector)
	}
	greatest, sum := slices.Max(logits), 0.
	for i, x := range logits {
		logits[i] = math.Exp(x - greatest)
		sum += logits[i]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(logits[b], logits[a]) })
	for _, i := range order[:l.spec.Top] {
		to.Labels = append(to.Labels, LabelScore{l.spec.Labels[i], logits[i] / sum})
	}
	l.report.Labelled++
	return l.spec.Emit(to)
}

// spoil counts an image that is of no use.
func (l *labeller) spoil(name string, err error) {
	const most = 1000
	l.report.Unusable++
	if len(l.report.Bad) < most {
		l.report.Bad = append(l.report.Bad, ingest.Bad{Name: name, Reason: err.Error()})
	}
}
