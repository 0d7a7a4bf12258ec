package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"engram/cmd/engram/internal/pool"
	"engram/data/space"
	"engram/embed"
	"engram/embed/clip"
	"engram/embed/model"
	"engram/embed/ort"
	"engram/httpapi"
)

// DefaultMaxModels are two CLIPs with their encoders of words and of pictures, or four of
// which one encoder is asked for.
const DefaultMaxModels = 4

// modelRetry is how long it is the answer that a model is not there. Then it may have been
// installed.
const modelRetry = 10 * time.Second

// collectionModels open the models of collections when they are first asked for words or a
// picture. All collections of a model share it. Nothing is fetched: whoever asks may be a
// stranger.
type collectionModels struct {
	app  *App // that fetches nothing
	pool *pool.Pool[modelUse, *collectionModel]

	mu    sync.Mutex
	known map[string]*modelPlaces // by fingerprint
}

// modelUse is one encoder of a model.
type modelUse struct {
	fingerprint string
	words       bool // or else pictures
}

// modelPlaces are a space and the folders where collections remember its model.
type modelPlaces struct {
	space   space.Space
	folders []string
}

// collectionModel is an open encoder: of words, or of pictures.
type collectionModel struct {
	io.Closer
	image *ImageEncoder
	text  *TextEncoder
	shown httpapi.Model
}

// newCollectionModels returns the models of collections, at most so many open at once.
func newCollectionModels(a *App, most int) *collectionModels {
	m := &collectionModels{app: a.withoutNetwork(), known: map[string]*modelPlaces{}}
	m.pool = pool.New(pool.Options[modelUse, *collectionModel]{Most: cmp.Or(most, DefaultMaxModels), Open: m.open, Retry: modelRetry})
	return m
}

// withoutNetwork returns an App that fetches nothing.
func (a *App) withoutNetwork() *App {
	b := *a
	b.opts.Hub.Offline, b.opts.Library.Offline = true, true
	return &b
}

// of returns what embeds pictures and words for an index.
func (m *collectionModels) of(x *Index) (*httpapi.Encoder, *httpapi.TextEncoder) {
	of := x.Info.Space
	m.remember(x)
	pictures, words := modelUse{of.Fingerprint, false}, modelUse{of.Fingerprint, true}
	ready := func(use modelUse) func(context.Context) error {
		return func(ctx context.Context) error {
			_, giveBack, err := m.pool.Lend(ctx, use)
			if err == nil {
				giveBack()
			}
			return err
		}
	}
	image := func(ctx context.Context, file []byte) ([]float32, error) {
		lent, giveBack, err := m.pool.Lend(ctx, pictures)
		if err != nil {
			return nil, err
		}
		defer giveBack()
		return lent.image.Embed(ctx, bytes.NewReader(file))
	}
	text := func(ctx context.Context, text string) ([]float32, bool, error) {
		lent, giveBack, err := m.pool.Lend(ctx, words)
		if err != nil {
			return nil, false, err
		}
		defer giveBack()
		return lent.text.Embed(ctx, text)
	}
	return &httpapi.Encoder{Space: of, Ready: ready(pictures), Encode: image},
		&httpapi.TextEncoder{Space: of, Ready: ready(words), Encode: text}
}

// remember keeps where the model of an index was when it was built.
func (m *collectionModels) remember(x *Index) {
	m.mu.Lock()
	defer m.mu.Unlock()
	of := x.Info.Space
	if m.known[of.Fingerprint] == nil {
		m.known[of.Fingerprint] = &modelPlaces{space: of}
	}
	places := m.known[of.Fingerprint]
	if folder := x.Origin.Model; folder != "" && !slices.Contains(places.folders, folder) {
		places.folders = append(places.folders, folder)
	}
}

// open opens an encoder.
func (m *collectionModels) open(ctx context.Context, use modelUse) (*collectionModel, error) {
	m.mu.Lock()
	places := *m.known[use.fingerprint]
	m.mu.Unlock()
	found, err := m.find(places)
	if err != nil {
		return nil, err
	}
	kind := httpapi.ErrNoEncoder
	if use.words {
		kind = httpapi.ErrNoText
	}
	if found == nil {
		return nil, embed.Sentence(kind, "this collection is of the model %s, which is not installed on the server: %s", places.space, places.install())
	}
	opened, err := m.encoder(ctx, found, use.words)
	switch {
	case errors.Is(err, clip.ErrNoText):
		err = embed.Sentence(kind, "%w", err)
	case errors.Is(err, ort.ErrLibrary):
		m.app.opts.Logger.Error(err.Error())
		err = embed.Sentence(kind, "ONNX Runtime, which runs the model of this collection, is not installed on the server: engram setup fetches it")
	case err != nil:
		err = fmt.Errorf("model %s: %w", found.Dir(), err)
	}
	return opened, err
}

// encoder opens one encoder of a model.
func (m *collectionModels) encoder(ctx context.Context, of *model.Model, words bool) (*collectionModel, error) {
	if words {
		text, err := m.app.OpenTextEncoder(ctx, of, nil)
		if err != nil {
			return nil, err
		}
		return &collectionModel{Closer: text, text: text, shown: showModel("text", &of.Manifest, of.Dir(), text.Device())}, nil
	}
	image, err := m.app.OpenImageEncoder(ctx, of, nil)
	if err != nil {
		return nil, err
	}
	return &collectionModel{Closer: image, image: image, shown: showModel("image", &of.Manifest, of.Dir(), image.Device())}, nil
}

// find opens the model of a space where a collection remembers it, or else where it is
// installed, or the one that the binary carries. It returns nil where it is not on this
// machine.
func (m *collectionModels) find(places modelPlaces) (*model.Model, error) {
	var faults []error
	for _, folder := range places.folders {
		manifest, err := model.ReadManifest(folder)
		if err != nil || manifest.Fingerprint() != places.space.Fingerprint { // gone, or another one now
			continue
		}
		found, err := m.app.openFolder(folder)
		if err == nil {
			return found, nil
		}
		faults = append(faults, err)
	}
	found, err := m.app.installedOf(places.space)
	if found == nil && err == nil {
		found, err = m.app.carriedOf(places.space)
	}
	if found != nil {
		return found, nil
	}
	return nil, errors.Join(append(faults, err)...)
}

// carriedOf opens the model of a space that the binary carries, nil where that is none.
func (a *App) carriedOf(of space.Space) (*model.Model, error) {
	name, _, _ := strings.Cut(of.Name, " ")
	if !slices.Contains([]string{Pixels, ScenesCLIP, ScenesJudge}, name) {
		return nil, nil
	}
	m, err := a.openHere(name)
	if err != nil || m.Fingerprint() != of.Fingerprint {
		return nil, err
	}
	return m, nil
}

// install says how the model comes onto this machine.
func (p *modelPlaces) install() string {
	for _, folder := range slices.Concat(p.folders, []string{""}) {
		if name, ok := inCatalogue(p.space, folder); ok {
			return "engram model get " + name + " fetches it"
		}
	}
	return "engram model get or engram model import installs it"
}

// list returns the models that are open.
func (m *collectionModels) list() []httpapi.Model {
	var all []httpapi.Model
	for _, open := range m.pool.Values() {
		all = append(all, open.shown)
	}
	slices.SortFunc(all, func(a, b httpapi.Model) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Fingerprint, b.Fingerprint), cmp.Compare(a.Use, b.Use))
	})
	return all
}

// Close closes the models when no request uses them any more.
func (m *collectionModels) Close() error { return m.pool.Close() }
