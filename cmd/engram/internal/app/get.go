package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"engram/data/progress"
	"engram/embed/hub"
	"engram/embed/hub/catalogue"
	"engram/embed/hub/layout"
	"engram/embed/model"
)

// GetSpec says which published model to install.
type GetSpec struct {
	// Name is a name of the catalogue, or "hf:owner/name", or "hf:owner/name@revision".
	Name string
	// Precision of the weights; "" means fp32, or what the name ends in.
	Precision catalogue.Precision
	As        string // the name under which it is installed; "": its own
	Text      string // the repository of the text graph, where that is another one
}

// Got is an installed model.
type Got struct {
	*model.Model
	Name  string // under which it is installed
	Fresh bool   // fetched now
}

// GetModel installs a published model, unless it is installed. It tells the user in one
// line what is fetched, how large it is and under which licence. An interrupted
// download goes on where it stopped.
func (a *App) GetModel(ctx context.Context, spec GetSpec, watch progress.Func) (*Got, error) {
	p, err := parsePublished(spec)
	if errors.Is(err, errNotPublished) {
		return a.getHere(spec.Name)
	}
	if err != nil {
		return nil, err
	}
	if m, err := a.openInstalled(p); m != nil || err != nil {
		return m, err
	}
	all, err := a.modelsDir()
	if err != nil {
		return nil, err
	}
	s, err := a.stage(ctx, filepath.Join(all, p.name))
	if err != nil {
		return nil, err
	}
	defer s.close()
	if m, err := a.openInstalled(p); m != nil || err != nil { // by another process
		return m, err
	}
	if err := a.install(ctx, s, p, watch); err != nil {
		return nil, p.named(s.keepOrDiscard(err))
	}
	m, err := a.openFolder(s.place)
	if err != nil {
		return nil, err
	}
	return &Got{Model: m, Name: p.name, Fresh: true}, a.drift(m)
}

// getHere opens a model that nobody publishes under its name: a built-in one, or one
// that was installed under a name of the user's.
func (a *App) getHere(name string) (*Got, error) {
	m, err := a.openHere(name)
	if m == nil && err == nil {
		err = a.unknownModel(name)
	}
	if err != nil {
		return nil, err
	}
	return &Got{Model: m, Name: name}, nil
}

// openInstalled opens the model that p means, nil where it is not installed. A model of
// another commit under its name is an error.
func (a *App) openInstalled(p *published) (*Got, error) {
	dir, ok, err := a.installed(p.name)
	if !ok || err != nil {
		return nil, err
	}
	m, err := a.openFolder(dir)
	if err != nil {
		return nil, damaged(p.name, err)
	}
	if !p.is(m.Manifest) {
		return nil, fmt.Errorf("%s is installed and comes from %s, wanted %s: choose another name with --as, or engram model remove %s", p.name, m.Source, p.wanted(), p.name)
	}
	return &Got{Model: m, Name: p.name}, nil
}

// damaged says how an installed model that cannot be opened is mended.
func damaged(name string, err error) error {
	return fmt.Errorf("%w (engram model remove %s, then fetch it again)", err, name)
}

// named adds the model's name to an error that does not have it.
func (p *published) named(err error) error {
	if strings.Contains(err.Error(), p.image.ID) {
		return err
	}
	return about(p.String(), err)
}

// is reports whether a manifest is of the model that p means.
func (p *published) is(m model.Manifest) bool {
	source, ours := strings.CutPrefix(m.Source, hubPrefix)
	if !ours {
		return p.entry == nil // a folder that the repository has as it is, with its own source
	}
	image, text, _ := strings.Cut(source, " "+hubPrefix)
	return cmp.Or(m.Precision, string(catalogue.FP32)) == string(p.precision) && comesFrom(image, p.image) && (p.text == nil || comesFrom(text, *p.text))
}

// comesFrom reports whether a source, "owner/name@commit", is the wanted repository.
func comesFrom(source string, wanted catalogue.Repository) bool {
	id, commit, _ := strings.Cut(source, "@")
	return strings.EqualFold(id, wanted.ID) && (!commitID.MatchString(wanted.Commit) || commit == wanted.Commit)
}

// wanted is the repository, with the revision where one is wanted, and the repository of
// the text graph where that is another one.
func (p *published) wanted() string {
	wanted := address(p.image)
	if p.text != nil {
		wanted += " with the text graph of " + address(*p.text)
	}
	return wanted
}

// address names a repository of the hub, with the revision where one is wanted.
func address(r catalogue.Repository) string {
	if r.Commit == "" {
		return hubPrefix + r.ID
	}
	return hubPrefix + r.ID + "@" + r.Commit
}

// repository is a repository of the hub as package layout reads it.
type repository struct {
	client *hub.Client
	snap   *hub.Snapshot
}

// Files implements layout.Source.
func (r repository) Files() []layout.File {
	files := make([]layout.File, len(r.snap.Files))
	for i, f := range r.snap.Files {
		files[i] = layout.File{Path: f.Path, Size: f.Size}
	}
	return files
}

// Read implements layout.Source.
func (r repository) Read(ctx context.Context, path string) ([]byte, error) {
	return r.client.Read(ctx, r.snap, path)
}

// fetch puts files of the repository into a folder.
func (r repository) fetch(ctx context.Context, paths []string, dir string, watch progress.Func) error {
	if len(paths) == 0 {
		return nil
	}
	_, err := r.client.Fetch(ctx, r.snap, paths, dir, watch)
	return err
}

// resolve asks the hub for the files of a repository, and compares them with what the
// catalogue knows.
func resolve(ctx context.Context, client *hub.Client, of catalogue.Repository) (repository, error) {
	snap, err := client.Resolve(ctx, of.ID, of.Commit)
	if err != nil {
		return repository{}, err
	}
	if commitID.MatchString(of.Commit) && snap.Commit != of.Commit {
		return repository{}, fmt.Errorf("the hub answers commit %s of %s, wanted %s: check HF_ENDPOINT", snap.Commit, of.ID, of.Commit)
	}
	if entry, ok := catalogue.OfRepository(of.ID); ok && entry.Repository.Commit == snap.Commit {
		of = entry.Repository
	}
	for i, f := range snap.Files {
		if err := of.Check(f.Path, f.Size, f.SHA256); err != nil {
			return repository{}, err
		}
		if known, ok := of.Files[f.Path]; ok && f.SHA256 == "" {
			snap.Files[i].SHA256, snap.Files[i].BlobSHA1 = known.SHA256, ""
			if f.Size < 0 && known.Size > 0 {
				snap.Files[i].Size = known.Size
			}
		}
	}
	return repository{client, snap}, nil
}

// download is a published model on its way into a folder.
type download struct {
	image, text repository // text.snap is nil where image has the text graph
	plan        *layout.Plan
}

// install fetches a model into its staging folder and gives it its place.
func (a *App) install(ctx context.Context, s *staging, p *published, watch progress.Func) error {
	if a.opts.Hub.Offline && a.opts.Hub.CacheDir == "" {
		return a.offline(p)
	}
	d, err := a.plan(ctx, p)
	if errors.Is(err, hub.ErrOffline) {
		return a.offline(p)
	}
	if err != nil {
		return err
	}
	licence := d.licence(p)
	a.notify("fetching %s: %s from %s at commit %.12s, licence %s", p, Megabytes(d.plan.Bytes), p.image.ID, d.image.snap.Commit, licence)
	for _, note := range d.notes(p) {
		a.notify("%s", note)
	}
	if err := d.fetch(ctx, s.dir, watch); err != nil {
		return err
	}
	told := len(d.plan.Notes)
	if err := s.listLinks(); err != nil {
		return err
	}
	manifest, err := d.plan.Finish(s.dir, layout.Identity{
		Name: strings.ToLower(baseName(p.image.ID)), Version: fmt.Sprintf("%.12s", d.image.snap.Commit), Licence: licence, Source: d.source(),
	})
	if err != nil {
		return err
	}
	for _, note := range d.plan.Notes[told:] {
		a.notify("%s", note)
	}
	return a.finish(ctx, s, manifest, watch)
}

// plan asks the hub what there is, and decides what is needed of it.
func (a *App) plan(ctx context.Context, p *published) (*download, error) {
	opts := a.opts.Hub
	opts.Logger = a.opts.Logger
	client, err := hub.New(opts)
	if err != nil {
		return nil, err
	}
	d := &download{}
	if d.image, err = resolve(ctx, client, p.image); err != nil {
		return nil, err
	}
	want := layout.Options{Repository: p.image.ID}
	if p.precision != catalogue.FP32 {
		want.Precision = string(p.precision)
	}
	if p.text != nil {
		if d.text, err = resolve(ctx, client, *p.text); err != nil {
			return nil, err
		}
		want.Text = d.text
	}
	d.plan, err = layout.New(ctx, d.image, want)
	return d, err
}

// notes are what the user should know of the model.
func (d *download) notes(p *published) []string {
	notes := slices.Clone(d.plan.Notes)
	if other, ok := catalogue.WithWords(p.image.ID); ok && !d.plan.Text {
		notes = append(notes, fmt.Sprintf("%s embeds texts into the same space", other.Name))
	}
	return notes
}

// fetch puts the files of the plan into a folder, and then the ones that the fetched
// graphs name.
func (d *download) fetch(ctx context.Context, dir string, watch progress.Func) error {
	images, texts := d.plan.Fetch, d.plan.FetchText
	for {
		if err := d.image.fetch(ctx, images, dir, watch); err != nil {
			return err
		}
		if err := d.text.fetch(ctx, texts, filepath.Join(dir, layout.TextDir), watch); err != nil {
			return err
		}
		var err error
		if images, texts, err = d.plan.External(dir); err != nil {
			return err
		}
		if len(images)+len(texts) == 0 {
			return nil
		}
	}
}

// licence is the catalogue's, which looked at the weights' own page, else the one that
// the repository states. It does not depend on the name by which the model is asked
// for, because the fingerprint depends on it.
func (d *download) licence(p *published) string {
	if entry, ok := catalogue.OfRepository(p.image.ID); ok {
		return entry.Licence
	}
	return cmp.Or(d.image.snap.Licence, "not stated")
}

// source says where the model comes from.
func (d *download) source() string {
	source := hubPrefix + d.image.snap.Repo + "@" + d.image.snap.Commit
	if d.text.snap != nil {
		source += " " + hubPrefix + d.text.snap.Repo + "@" + d.text.snap.Commit
	}
	return source
}

// offline says how a model that is not here can be had.
func (a *App) offline(p *published) error {
	size, name := "", address(p.image)
	if p.entry != nil {
		size = fmt.Sprintf(" (%s, licence %s)", Megabytes(p.entry.Download[p.precision]), p.entry.Licence)
		name = catalogue.Join(p.entry.Name, p.precision)
	}
	return fmt.Errorf("%s is not installed%s, and --offline or HF_HUB_OFFLINE forbids to fetch it: run \"engram model get %s\" once with a network", p, size, name)
}

// Megabytes is a size in bytes for messages.
func Megabytes(size int64) string {
	if size < 10_000_000 {
		return fmt.Sprintf("%.1f MB", float64(size)/1e6)
	}
	return fmt.Sprintf("%d MB", (size+500_000)/1_000_000)
}

// baseName is the part of a repository's name after the owner.
func baseName(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }
