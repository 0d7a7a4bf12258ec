package app

import (
	"cmp"
	"context"
	"fmt"

	"engram/data/progress"
	"engram/embed/clip"
	"engram/embed/hub/catalogue"
	"engram/embed/model"
)

// State says where a model of a list is.
type State string

// The states.
const (
	Carried   State = "built in"
	Present   State = "installed"
	Partial   State = "unfinished" // an interrupted download
	Available State = "catalogue"
)

// Listed is a model of a list.
type Listed struct {
	Name    string `json:"name"`
	State   State  `json:"state"`
	Dim     int    `json:"dim"`    // elements of a vector, 0 where it is not known yet
	Pixels  int    `json:"pixels"` // side of the images that it sees
	Words   bool   `json:"words"`  // texts can be encoded
	Bytes   int64  `json:"bytes"`  // on disk, or to download in fp32
	Licence string `json:"licence"`
	Source  string `json:"source"`
	Dir     string `json:"dir,omitempty"`
	// Download is the size in bytes for each precision that is published.
	Download map[catalogue.Precision]int64 `json:"download,omitempty"`
	GoodFor  string                        `json:"good_for,omitempty"`
}

// ListModels returns the models that the binary carries, the installed ones, and the
// ones of the catalogue that are not installed.
func (a *App) ListModels() ([]Listed, error) {
	all := []Listed{
		{Name: Pixels, State: Carried, Dim: pixelsSize * pixelsSize, Pixels: pixelsSize, Licence: "CC0-1.0", Source: "engram", GoodFor: "images that look alike, without a download"},
		{Name: ScenesCLIP, State: Carried, Dim: 128, Pixels: 64, Words: true, Licence: "CC0-1.0", Source: "engram", GoodFor: "the generated scenes of engram demo"},
	}
	installed, err := a.InstalledModels()
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, m := range installed {
		l := Listed{Name: m.Name, State: Present, Bytes: m.Bytes, Dir: m.Dir, Dim: m.Manifest.D, Pixels: m.Manifest.ImageSize, Licence: m.Manifest.Licence, Source: m.Manifest.Source}
		_, l.Words = m.Manifest.Graphs["text"]
		short, _ := catalogue.Split(m.Name)
		again := "the command that began it"
		if e, ok := catalogue.Find(short); ok {
			l.GoodFor, again = e.GoodFor, "engram model get "+m.Name
		}
		if m.Partial {
			l.State, l.Licence = Partial, "–"
			l.GoodFor = fmt.Sprintf("%s goes on, engram model remove %s frees the room", again, m.Name)
		} else {
			there[m.Name] = true
		}
		all = append(all, l)
	}
	for _, e := range catalogue.Entries() {
		if !there[e.Name] {
			all = append(all, Listed{
				Name: e.Name, State: Available, Dim: e.Dim, Pixels: e.Pixels, Words: e.Words, Bytes: e.Download[catalogue.FP32],
				Licence: e.Licence, Source: hubPrefix + e.Repository.ID + "@" + e.Repository.Commit, Download: e.Download, GoodFor: e.GoodFor,
			})
		}
	}
	return all, nil
}

// ShowSpec says which model to show.
type ShowSpec struct {
	Name string
	// Verify computes the checksums of all files, also of large ones that have not
	// changed since they were checked, and runs the canary.
	Verify bool
}

// Details are a model with what is not in its manifest.
type Details struct {
	*model.Model
	Bytes  int64  // on disk
	Canary string // what is known of the canary, for a reader; "" where the model has none
}

// ShowModel opens a model, which checks its files. It fetches nothing.
func (a *App) ShowModel(ctx context.Context, spec ShowSpec, watch progress.Func) (*Details, error) {
	m, err := a.openHere(spec.Name)
	if err == nil && m == nil {
		err = a.notInstalled(spec.Name)
	}
	if err != nil {
		return nil, err
	}
	if spec.Verify {
		if m, err = model.Open(m.Dir()); err != nil {
			return nil, err
		}
	}
	return a.details(ctx, m, spec.Verify, watch)
}

// details returns what there is to say of an open model.
func (a *App) details(ctx context.Context, m *model.Model, verify bool, watch progress.Func) (*Details, error) {
	d := &Details{Model: m}
	var err error
	if d.Bytes, err = diskUse(m.Dir()); err != nil {
		return nil, err
	}
	canary, err := m.Canary()
	if err != nil || canary == nil {
		return d, err
	}
	made := canary.Machine
	d.Canary = fmt.Sprintf("made by ONNX Runtime %s on %s/%s, %s", made.ONNXRuntime, made.OS, made.Arch, cmp.Or(made.CPU, made.Device))
	if !verify {
		return d, nil
	}
	image, text, err := a.runCanary(ctx, m, canary, watch)
	d.Canary += fmt.Sprintf("; least cosine here %.6f for images", image)
	if len(canary.Texts) > 0 {
		d.Canary += fmt.Sprintf(" and %.6f for texts", text)
	}
	return d, err
}

// runCanary returns the least cosines between the vectors of a canary and the ones that
// the model gives here.
func (a *App) runCanary(ctx context.Context, m *model.Model, canary *model.Canary, watch progress.Func) (image, text float64, err error) {
	rt, err := a.Runtime(ctx, watch)
	if err != nil {
		return 0, 0, err
	}
	defer closeInto(&err, rt)
	here, err := clip.MakeCanary(ctx, rt, m, clip.Options{Device: a.opts.Device})
	if err != nil {
		return 0, 0, err
	}
	image, text, ok := clip.Drift(canary, here)
	if !ok || image < sameVectors && m.Precision != string(catalogue.INT8) {
		err = fmt.Errorf("%s: the least cosine of images to the canary's is %.4f: %w", m.Dir(), image, clip.ErrCanary)
	}
	return image, text, err
}
