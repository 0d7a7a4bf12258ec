package app

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"engram/cmd/engram/internal/twostage"
	"engram/data/progress"
	"engram/data/table"
	"engram/embed/dataset"
	"engram/embed/model"
	"engram/httpapi"
	"engram/index"
)

// SubjectSpec says whose scans a server takes.
type SubjectSpec struct {
	ID      string // in addresses; "": default
	Decoder string // folder of the decoder for searches by scan; "": none
	// Scans that visitors may search with: a .npy file, or NIfTI with Mask and its
	// Labels; and a table whose Column names the images seen.
	Voxels, Mask, Labels, Trials, Column string
	Regions                              string // see dataset.Anatomy
}

// subjectColumns are the columns of a table of subjects.
func (s *SubjectSpec) subjectColumns() map[string]*string {
	return map[string]*string{
		"subject": &s.ID, "decoder": &s.Decoder, "voxels": &s.Voxels, "mask": &s.Mask, "labels": &s.Labels,
		"regions": &s.Regions, "trials": &s.Trials, "column": &s.Column,
	}
}

// readSubjects reads a table with a line for each subject: subject and decoder, and where
// there are some voxels, mask, labels, regions, trials and column, as the options of engram
// serve with these names. Files lie relative to the table.
func readSubjects(path string) ([]SubjectSpec, error) {
	t, err := table.Read(path)
	if err != nil {
		return nil, err
	}
	known := new(SubjectSpec).subjectColumns()
	for _, name := range t.Columns {
		if known[strings.ToLower(name)] == nil {
			return nil, fmt.Errorf("%s has the column %q, wanted subject and decoder, and some of voxels, mask, labels, regions, trials and column", path, name)
		}
	}
	ids, err := t.Column("subject")
	if err != nil {
		return nil, err
	}
	list := make([]SubjectSpec, len(ids.Values))
	for _, name := range t.Columns {
		column, err := t.Column(name)
		if err != nil {
			return nil, err
		}
		for i, cell := range column.Values {
			text := strings.ToLower(name)
			if isSubjectFile(text) && !table.Missing(cell) && !filepath.IsAbs(cell) {
				cell = filepath.Join(filepath.Dir(path), filepath.FromSlash(cell))
			}
			if !table.Missing(cell) {
				*list[i].subjectColumns()[text] = cell
			}
		}
	}
	for i, s := range list {
		if s.ID == "" || s.Decoder == "" {
			return nil, fmt.Errorf("%s: line %d has the subject %q with the decoder %q, wanted both", path, ids.Lines[i], s.ID, s.Decoder)
		}
	}
	return list, nil
}

// isSubjectFile reports whether a column of a table of subjects names files.
func isSubjectFile(column string) bool {
	return !slices.Contains([]string{"subject", "labels", "column"}, column)
}

// subjectOpening opens what a server takes the scans of subjects with.
type subjectOpening struct {
	app     *App
	service *Service
	index   *Index
	images  folders  // nil where there are none
	assume  bool     // see ServeSpec.AssumeModel
	fixed   []string // ids of the subjects that the server was started with
	watch   progress.Func

	decoders *decodersInUse // of the subjects that are open
}

// openAll opens the subjects. Where no decoder is named, the first of the table is the one
// whose scans are taken where no subject is named.
func (o *subjectOpening) openAll(ctx context.Context, spec ServeSpec, opts *httpapi.Options) error {
	own := spec.SubjectSpec
	var table []SubjectSpec
	if spec.Subjects != "" {
		var err error
		if table, err = readSubjects(spec.Subjects); err != nil {
			return err
		}
		if own == (SubjectSpec{Column: own.Column}) && len(table) > 0 {
			own, table = table[0], table[1:]
		}
	}
	first, err := o.open(ctx, own, spec.Shown, spec.Stored)
	if err != nil && spec.Subjects != "" {
		err = fmt.Errorf("subject %s: %w", cmp.Or(own.ID, defaultSubject), err)
	}
	if err != nil {
		return err
	}
	if first.Decoder != nil {
		o.fixed = append(o.fixed, cmp.Or(own.ID, defaultSubject))
	}
	opts.SubjectID, opts.Decoder, opts.Trials = first.ID, first.Decoder, first.Trials
	for _, of := range table {
		other, err := o.open(ctx, of, Shown{Simulated: spec.Shown.Simulated}, nil)
		if err != nil {
			return fmt.Errorf("%s: subject %s: %w", spec.Subjects, of.ID, err)
		}
		opts.Subjects, o.fixed = append(opts.Subjects, other), append(o.fixed, of.ID)
	}
	return nil
}

// open opens a subject with its trials, to which stored belong as well. It has no decoder
// where spec names none.
func (o *subjectOpening) open(ctx context.Context, spec SubjectSpec, shown Shown, stored []httpapi.Trial) (httpapi.Subject, error) {
	subject := httpapi.Subject{ID: spec.ID, Trials: stored}
	var d *Decoder
	if spec.Decoder != "" {
		var err error
		if d, err = o.app.decoderOf(ctx, o.index, spec.Decoder, o.assume, o.watch); err != nil {
			return subject, err
		}
		o.service.opened = append(o.service.opened, d)
		if subject.Decoder, err = o.decoder(ctx, d, spec, shown); err != nil {
			return subject, err
		}
	}
	if spec.Voxels == "" {
		return subject, nil
	}
	column := spec
	column.Column = cmp.Or(spec.Column, "image")
	read, err := o.service.openTrials(ctx, trials{App: o.app, spec: column, index: o.index, decoder: d})
	subject.Trials = append(subject.Trials, read...)
	return subject, err
}

// decoder returns a decoder as the server takes it.
func (o *subjectOpening) decoder(ctx context.Context, d *Decoder, spec SubjectSpec, shown Shown) (*httpapi.Decoder, error) {
	made := &httpapi.Decoder{
		Name: cmp.Or(shown.Decoder, d.Config().Preset), Data: cmp.Or(shown.Scans, filepath.Base(spec.Decoder)),
		Voxels: d.Config().Voxels, Space: d.Space(), Decode: d.Query, Simulated: shown.Simulated,
	}
	if err := openBrain(d, dataset.Anatomy{Mask: spec.Mask, Labels: spec.Labels, Regions: spec.Regions}, made); err != nil {
		return nil, err
	}
	r := o.ranking()
	r.decoder = d
	var err error
	if made.Predict, err = o.service.openRanking(ctx, r, o.watch); err != nil {
		return nil, err
	}
	if err := d.Load(); err != nil {
		return nil, err
	}
	id := cmp.Or(spec.ID, defaultSubject)
	o.decoders.put(id, decoderInUse{d, always})
	manifest, err := model.ReadManifest(spec.Decoder)
	if err != nil {
		return nil, err
	}
	o.service.list(useDecoder, manifest, spec.Decoder, d.Device()).Subject = id
	o.service.batches.share(useDecoder, manifest, d)
	return made, nil
}

// ranking returns what searches by scan rank with, without a decoder.
func (o *subjectOpening) ranking() ranking {
	r := ranking{index: o.index, most: serveWork, encoder: o.service.encoder}
	if o.images != nil {
		r.images = o.images
	}
	return r
}

// tokens returns where the tokens of items come from that a decoder is to predict, how many
// there are of an item, and their elements: what the index keeps, what the model gives of the
// images, or else the vectors.
func (o *subjectOpening) tokens() (from twostage.Source, t, d int, err error) {
	r, info := o.ranking(), o.index.Info
	t, d = 1, info.Dim
	switch {
	case info.Tokens.Kept():
		t, d = info.Tokens.Count, info.Tokens.Dim
	case r.images != nil && r.encoder != nil:
		t, d = r.encoder.Model().T, r.encoder.Model().D
	}
	if from, _ = r.tokensOf(t, d, info.Space); from == nil {
		return nil, 0, 0, fmt.Errorf("the index keeps no tokens, and the images are not there to make them: %w", index.ErrTokens)
	}
	return from, t, d, nil
}

// defaultSubject is the subject that has no other name.
const defaultSubject = "default"

// list adds an open model to what GET /v1/models answers.
func (s *Service) list(use string, m *model.Manifest, dir, device string) *httpapi.Model {
	s.models = append(s.models, showModel(use, m, dir, device))
	return &s.models[len(s.models)-1]
}

// openNow returns all models that are open.
func (s *Service) openNow() []httpapi.Model {
	all := slices.Clone(s.models)
	if s.collections != nil {
		all = append(all, s.collections.list()...)
	}
	if s.work != nil {
		all = append(all, s.work.list()...)
	}
	return all
}

// showModel returns a model as clients read of it.
func showModel(use string, m *model.Manifest, dir, device string) httpapi.Model {
	var size int64
	for file := range m.Files {
		if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(file))); err == nil { // a file that is gone was read before
			size += info.Size()
		}
	}
	return httpapi.Model{
		Use: use, Name: m.Name + " " + m.Version, Kind: string(m.Kind), Licence: m.Licence, Fingerprint: m.Fingerprint(),
		Tokens: m.T, Dim: m.D, ImageSize: m.ImageSize, Precision: m.Precision, Bytes: size, Device: device,
	}
}
