package app

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"engram/data/progress"
	"engram/embed/clip"
	"engram/embed/model"
	"engram/httpapi"
	"engram/httpapi/keys"
)

// ServeSpec says what a server answers with.
type ServeSpec struct {
	Index  string // folder or collection; "": of Images
	Images string // folder of images, which are indexed in the cache first
	Model  string // "": where the index remembers it, or Pixels for Images
	// AssumeModel takes it on trust that Model, and the model of Decoder, made the
	// vectors of an index that does not record its model.
	AssumeModel bool

	// ImagesRoot is the folder where the images are now, "" where they were when
	// the index was built.
	ImagesRoot string
	CORS       []string // see httpapi.Options
	ImageURLs  bool     // show the addresses in payloads as images (see httpapi.Options)

	SubjectSpec                 // whose scans are taken where no subject is named
	Stored      []httpapi.Trial // scans of it that visitors may search with, beside Voxels
	Subjects    string          // table of other subjects (see readSubjects); "": none

	Suggestions []string // queries in words that the page offers

	Writable bool // clients may put and delete items

	FetchImages bool // see httpapi.Options

	Collections string // folder of other indexes that are served by their names; "": none
	MaxModels   int    // of collections that are open at once; 0: DefaultMaxModels
	Snapshots   string // folder for snapshots that administrators ask for; "": they may not

	Jobs                  string // folder of jobs; "": none are run
	Workspace             string // folder whose files jobs of administrators use; "": there are none
	Autoencoder, Denoiser string // models that make pictures of scans (see Painter)

	Batch BatchSpec // how requests share runs of models

	Keys   string         // file of API keys; "": clients need none
	Limits httpapi.Limits // what clients can ask
	// Proxies are the addresses and networks of proxies before the server, and Hosts names of
	// this machine (see httpapi.Options).
	Proxies, Hosts []string
	Traces         string // OTLP/HTTP endpoint that spans are sent to; "": nowhere

	Shown Shown
}

// Shown is what visitors read of where things come from. Where it is "" they
// read the names of folders, which do not tell where these lie.
type Shown struct {
	Index, Images, Decoder, Scans string
	Simulated                     bool // no person was scanned
}

// Service is a server with what it has open.
type Service struct {
	*httpapi.Server
	opened  []io.Closer
	encoder *ImageEncoder // nil where no model is known
	log     *slog.Logger
	models  []httpapi.Model // that are open as long as the service is
	facts   []fact          // of how things were joined, which Serve logs
	keys    bool            // clients need one
	batches *batches        // how requests share runs of models
	work    *workspace      // of jobs; nil: there is none

	collections *collectionModels // nil where there are no collections
}

// fact is a line of the log.
type fact struct {
	level slog.Level
	text  string
}

// note keeps a line for the log.
func (s *Service) note(level slog.Level, format string, args ...any) {
	s.facts = append(s.facts, fact{level, fmt.Sprintf(format, args...)})
}

// OpenService opens what a server needs. The caller closes the service after it
// has served.
func (a *App) OpenService(ctx context.Context, spec ServeSpec, watch progress.Func) (_ *Service, err error) {
	if spec.Index == "" {
		if spec, err = a.indexIntoCache(ctx, spec, watch); err != nil {
			return nil, err
		}
	}
	s := &Service{log: a.opts.Logger}
	opts, err := s.open(ctx, a, spec, watch)
	if err == nil {
		s.Server, err = httpapi.New(opts)
	}
	if err == nil && s.work != nil {
		s.work.server <- s.Server
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Serve is httpapi.Server's on all listeners, and says first how index, images and models
// were joined.
func (s *Service) Serve(ctx context.Context, l *Listening) error {
	for _, f := range s.facts {
		s.log.Log(ctx, f.level, f.text)
	}
	if warning := l.open(s.keys); warning != "" {
		s.log.Warn(warning)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.Server.Serve(ctx, l.main) })
	if l.admin != nil {
		group.Go(func() error { return s.ServeAdmin(ctx, l.admin) })
	}
	return group.Wait()
}

// Close closes models and index.
func (s *Service) Close() error {
	var faults []error
	for _, opened := range slices.Backward(s.opened) {
		faults = append(faults, opened.Close())
	}
	return errors.Join(faults...)
}

// indexIntoCache indexes a folder of images into the cache, and returns the spec
// of that index.
func (a *App) indexIntoCache(ctx context.Context, spec ServeSpec, watch progress.Func) (ServeSpec, error) {
	spec.Model = cmp.Or(spec.Model, Pixels)
	root, err := filepath.Abs(spec.Images)
	if err != nil {
		return spec, err
	}
	m, err := a.OpenModel(ctx, spec.Model, watch)
	if err != nil {
		return spec, err
	}
	cache, err := a.CacheDir()
	if err != nil {
		return spec, err
	}
	key := sha256.Sum256([]byte(root + "\x00" + m.Fingerprint()))
	spec.Index = filepath.Join(cache, "indexes", fmt.Sprintf("%s-%x", filepath.Base(root), key[:8]))
	report, err := a.Build(ctx, BuildSpec{Source: SourceSpec{Place: root}, Model: spec.Model, Out: spec.Index, Prune: true}, watch)
	if report != nil {
		for _, bad := range report.Bad {
			a.opts.Logger.Warn("skipped", "path", bad.Name, "reason", bad.Reason)
		}
		for _, found := range report.Sources {
			for _, line := range found.OddLines() {
				a.opts.Logger.Warn(line)
			}
			for _, line := range found.Lines() {
				a.opts.Logger.Info(line)
			}
		}
	}
	return spec, err
}

// open opens index, images, models and trials, and returns them as the server
// takes them.
func (s *Service) open(ctx context.Context, a *App, spec ServeSpec, watch progress.Func) (httpapi.Options, error) {
	opts := httpapi.Options{IndexName: cmp.Or(spec.Shown.Index, filepath.Base(spec.Index)), Logger: a.opts.Logger, Limits: spec.Limits, Pixels: a.limits, Writable: spec.Writable}
	if err := s.openOperation(ctx, spec, &opts); err != nil {
		return opts, err
	}
	b, err := newBatches(spec.Batch)
	if err != nil {
		return opts, err
	}
	s.batches, opts.Counters = b, []prometheus.Collector{b.sizes}
	x, err := a.openServed(ctx, spec.Index, spec.Writable)
	if err != nil {
		return opts, err
	}
	s.opened, opts.Store = append(s.opened, x), x.Store
	if at := x.imagesRoots(spec.ImagesRoot); len(at) > 0 {
		names := make([]string, 0, len(at))
		for _, root := range at {
			names = append(names, filepath.Base(root))
		}
		slices.Sort(names)
		opts.IndexData = cmp.Or(spec.Shown.Images, strings.Join(names, ", "))
	}
	folder, err := s.openImages(ctx, x, spec.ImagesRoot)
	if err != nil {
		return opts, err
	}
	if folder != nil {
		s.opened, opts.Images = append(s.opened, folder), folder
	}
	opts.ImageURLs, opts.CORS, opts.FetchImages = spec.ImageURLs, spec.CORS, spec.FetchImages
	if err := s.openModels(ctx, a, x, spec, &opts, watch); err != nil {
		return opts, err
	}
	var others *collections
	if spec.Collections != "" {
		if others, err = s.openCollections(a, spec, opts); err != nil {
			return opts, err
		}
		opts.Collections = others
	}
	if spec.Snapshots != "" {
		opts.Snapshot = snapshots(spec.Snapshots)
	}
	opening := &subjectOpening{app: a, service: s, index: x, images: folder, assume: spec.AssumeModel, watch: watch, decoders: new(decodersInUse)}
	if err := opening.openAll(ctx, spec, &opts); err != nil {
		return opts, err
	}
	if spec.Workspace != "" {
		if err := s.openWorkspace(ctx, spec, opening, others, &opts); err != nil {
			return opts, err
		}
	}
	if spec.Jobs != "" {
		if err := s.openJobs(ctx, a, spec, opening.decoders, &opts); err != nil {
			return opts, err
		}
	}
	opts.Suggestions, opts.Models = spec.Suggestions, s.openNow
	return opts, nil
}

// openOperation opens the keys of clients and the way of traces, and finds out by which
// names and proxies clients come.
func (s *Service) openOperation(ctx context.Context, spec ServeSpec, opts *httpapi.Options) (err error) {
	if opts.Proxies, err = networks(spec.Proxies); err != nil {
		return err
	}
	opts.Hosts = slices.Clone(spec.Hosts)
	if name, err := os.Hostname(); err == nil {
		opts.Hosts = append(opts.Hosts, name)
	}
	for i, host := range opts.Hosts {
		opts.Hosts[i] = strings.ToLower(host)
	}
	if s.keys = spec.Keys != ""; s.keys {
		if opts.Keys, err = keys.Open(spec.Keys); err != nil {
			return err
		}
	}
	if spec.Traces == "" {
		return nil
	}
	t, err := openTraces(ctx, spec.Traces)
	if err != nil {
		return err
	}
	s.opened, opts.Tracer = append(s.opened, t), t
	s.note(slog.LevelInfo, "traces are sent to %s", spec.Traces)
	return nil
}

// networks reads networks such as 10.0.0.0/8, and addresses.
func networks(texts []string) (list []netip.Prefix, err error) {
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if address, ok := netip.ParseAddr(text); ok == nil {
			network, err = address.Prefix(address.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("--trusted-proxies has %q, wanted an address or a network such as 10.0.0.0/8", text)
		}
		list = append(list, network.Masked())
	}
	return list, nil
}

// openEncoders opens what turns pictures into queries, and words where the model has
// a text graph.
func (s *Service) openEncoders(ctx context.Context, a *App, m *model.Model, opts *httpapi.Options, watch progress.Func) error {
	image, err := a.OpenImageEncoder(ctx, m, watch)
	if err != nil {
		return err
	}
	s.opened, s.encoder = append(s.opened, image), image
	s.list(useImage, &m.Manifest, m.Dir(), image.Device())
	s.batches.share(useImage, &m.Manifest, image)
	opts.Encoder = &httpapi.Encoder{Space: image.Space(), Encode: func(ctx context.Context, file []byte) ([]float32, error) {
		return image.Embed(ctx, bytes.NewReader(file))
	}}
	text, err := a.OpenTextEncoder(ctx, m, watch)
	if errors.Is(err, clip.ErrNoText) {
		opts.NoText = err.Error()
		s.note(slog.LevelInfo, "no search by words: %s", opts.NoText)
		return nil
	}
	if err != nil {
		return err
	}
	s.opened = append(s.opened, text)
	s.list(useText, &m.Manifest, m.Dir(), text.Device())
	s.batches.share(useText, &m.Manifest, text)
	opts.Text = &httpapi.TextEncoder{Space: SpaceOf(m), Encode: text.Embed}
	return nil
}

// openModels opens the models that turn pictures and words into queries. An index of vectors
// that were made elsewhere is served without them.
func (s *Service) openModels(ctx context.Context, a *App, x *Index, spec ServeSpec, opts *httpapi.Options, watch progress.Func) error {
	opts.AssumeSpace = spec.AssumeModel
	m, err := a.modelOf(ctx, x, modelSpec{spec.Model, spec.AssumeModel}, watch)
	switch {
	case errors.Is(err, errNoModel):
		opts.NoText = "nobody says which model made this index, so that it cannot be searched by words"
		s.note(slog.LevelInfo, "no model is known, so no search by words or picture; %d vectors of %d elements are searched by vector, item and filter", x.Info.Count, x.Info.Dim)
		return nil
	case err != nil:
		return err
	}
	return s.openEncoders(ctx, a, m, opts, watch)
}
