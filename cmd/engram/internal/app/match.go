package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"engram/data/progress"
	"engram/data/space"
	"engram/embed/hub/catalogue"
	"engram/embed/model"
	"engram/index"
)

// errNoModel says that neither the user nor the index names a model.
var errNoModel = errors.New("the index does not say where its model is, name it with --model")

// modelSpec says which model queries of an index are embedded with.
type modelSpec struct {
	model string // "": where the index remembers it
	// assume takes it on trust that the model made the vectors of an index that
	// does not record its model.
	assume bool
}

// imageEncoderOf opens the image encoder of an index, and refuses the model of another space.
func (a *App) imageEncoderOf(ctx context.Context, x *Index, spec modelSpec, watch progress.Func) (*ImageEncoder, error) {
	m, err := a.modelOf(ctx, x, spec, watch)
	if err != nil {
		return nil, err
	}
	return a.OpenImageEncoder(ctx, m, watch)
}

// modelOf opens the model of an index; errNoModel says that nobody names one.
func (a *App) modelOf(ctx context.Context, x *Index, spec modelSpec, watch progress.Func) (*model.Model, error) {
	named := spec.model
	if named == "" {
		named = x.Origin.Model
	}
	if named == "" {
		m, err := a.installedOf(x.Info.Space)
		if m == nil && err == nil {
			err = errNoModel
		}
		return m, err
	}
	m, err := a.OpenModel(ctx, named, watch)
	if spec.model == "" && errors.Is(err, fs.ErrNotExist) {
		m, err = a.movedModel(x.Info.Space, named)
	}
	if err != nil {
		return nil, err
	}
	if err := x.match(SpaceOf(m), m.D, spec.assume); err != nil {
		return nil, fmt.Errorf("%s: %w", named, err)
	}
	if !x.Info.Space.Known() {
		a.opts.Logger.Warn("the index does not record its model, it is assumed to be this one", "model", Label(m), "dim", m.D)
	}
	return m, nil
}

// installedOf opens the installed model that has made the vectors of a space, nil where
// there is none.
func (a *App) installedOf(of space.Space) (*model.Model, error) {
	if !of.Known() {
		return nil, nil
	}
	installed, err := a.InstalledModels()
	if err != nil {
		return nil, err
	}
	for _, m := range installed {
		if !m.Partial && m.Manifest.Fingerprint() == of.Fingerprint {
			return a.openFolder(m.Dir)
		}
	}
	return nil, nil
}

// movedModel opens the installed model whose vectors an index has, where the folder
// that the index remembers is gone. Where none is installed it says how to get it.
func (a *App) movedModel(of space.Space, folder string) (*model.Model, error) {
	if m, err := a.installedOf(of); m != nil || err != nil {
		return m, err
	}
	how := "install it again, or name its folder now with --model"
	if name, ok := inCatalogue(of, folder); ok {
		how = "engram model get " + name + " fetches it"
	}
	return nil, fmt.Errorf("the index was made with the model %s, which is no longer at %s: %s: %w", of, folder, how, fs.ErrNotExist)
}

// inCatalogue returns the name of the published model that a space, or the folder where
// it was installed, is named after.
func inCatalogue(of space.Space, folder string) (string, bool) {
	installed, precision := catalogue.Split(filepath.Base(folder))
	if e, ok := catalogue.Find(installed); ok {
		return catalogue.Join(e.Name, precision), true
	}
	name, _, _ := strings.Cut(of.Name, " ")
	for _, e := range catalogue.Entries() {
		if strings.EqualFold(path.Base(e.Repository.ID), name) {
			return catalogue.Join(e.Name, precision), true
		}
	}
	return "", false
}

// decoderOf opens a decoder for searches of an index, and refuses one into
// another space.
func (a *App) decoderOf(ctx context.Context, x *Index, dir string, assume bool, watch progress.Func) (*Decoder, error) {
	d, err := a.OpenDecoder(ctx, dir, watch)
	if err != nil {
		return nil, err
	}
	if err := x.match(d.Space(), d.Config().D, assume); err != nil {
		return nil, errors.Join(fmt.Errorf("decoder %s: %w", dir, err), d.Close())
	}
	return d, nil
}

// match refuses queries of a space, of dim elements, that cannot be compared with
// the vectors of the index. Where the index does not record its space only the
// dimension can be checked, which assume says is enough.
func (x *Index) match(of space.Space, dim int, assume bool) error {
	recorded := x.Info.Space.Known()
	if recorded {
		if err := x.Info.CheckSpace(of); err != nil {
			return err
		}
	}
	switch {
	case dim != x.Info.Dim:
		return fmt.Errorf("its vectors have %d elements, those in the index %d: %w", dim, x.Info.Dim, index.ErrDimension)
	case !recorded && !assume:
		return fmt.Errorf("%w (--assume-model takes it on trust)", x.Info.CheckSpace(of))
	}
	return nil
}
