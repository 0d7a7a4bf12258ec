package app

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"engram/data/images"
	"engram/data/pattern"
	"engram/data/table"
	"engram/embed"
	"engram/embed/dataset"
	"engram/httpapi"
	"engram/index"
)

// trials are the scans that visitors may search with.
type trials struct {
	*App
	spec    SubjectSpec
	index   *Index
	decoder *Decoder // nil where there is none
	scans   *dataset.Voxels
}

// openTrials opens the scans that visitors may search with. They are read when a
// visitor asks for them.
func (s *Service) openTrials(ctx context.Context, t trials) ([]httpapi.Trial, error) {
	recording := dataset.Recording{Path: t.spec.Voxels}
	if recording.NIfTI() {
		recording.Mask, recording.Labels = t.spec.Mask, t.spec.Labels
	}
	var err error
	if t.scans, err = recording.Open(); err != nil {
		return nil, err
	}
	s.opened = append(s.opened, t.scans)
	if t.decoder == nil {
		return nil, fmt.Errorf("%d stored trials need a decoder", t.scans.Trials)
	}
	if takes := t.decoder.Config().Voxels; t.scans.Count != takes {
		return nil, fmt.Errorf("%s: scans of %d voxels, the decoder takes %d", t.spec.Voxels, t.scans.Count, takes)
	}
	compared, err := t.decoder.CheckVoxels(t.scans)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.spec.Voxels, err)
	}
	for _, warning := range t.scans.Warnings {
		t.opts.Logger.Warn(warning)
	}
	list := make([]httpapi.Trial, t.scans.Trials)
	for i := range list {
		list[i].ID = fmt.Sprintf("trial-%d", i)
		list[i].Read = func() ([][]float32, error) { return t.read(i) }
	}
	if t.spec.Trials != "" {
		if err := t.match(ctx, list); err != nil {
			return nil, err
		}
	}
	t.opts.Logger.Info(t.scans.String() + "; " + compared)
	return list, nil
}

// read reads a scan. What visitors are told does not say where the file lies.
func (t *trials) read(i int) ([][]float32, error) {
	rows, err := t.scans.Rows([]int{i})
	if errors.Is(err, embed.ErrNotFinite) {
		t.opts.Logger.Error("a stored trial cannot be read", "reason", err)
		return nil, fmt.Errorf("trial %d has a voxel that is no number: %w", i, embed.ErrNotFinite)
	}
	return rows, err
}

// match finds the items of the images that trials saw.
func (t *trials) match(ctx context.Context, list []httpapi.Trial) error {
	seen, err := dataset.Column(t.spec.Trials, t.spec.Column)
	if err != nil {
		return err
	}
	if len(seen.Values) != len(list) {
		return fmt.Errorf("%s has %d trials, %s tells of %d", t.spec.Voxels, len(list), t.spec.Trials, len(seen.Values))
	}
	items, err := t.items(ctx, seen.Values)
	if err != nil {
		return err
	}
	without, matched, unknown := 0, 0, -1
	numbered := ""
	for i, text := range seen.Values {
		if item, found := items[text]; found {
			list[i].Seen, list[i].Item = item.path, &item.id
			matched++
			if numbered == "" && item.numbered {
				numbered = fmt.Sprintf(", by number from 0 in natural order of the folder, so that %s is %s", text, item.path)
			}
			continue
		}
		if table.Missing(text) {
			without++
			continue
		}
		if list[i].Seen = text; unknown < 0 {
			unknown = i
		}
	}
	text := fmt.Sprintf("%s: %d of %d rows matched images of the index%s", t.spec.Trials, matched, len(list), numbered)
	if without > 0 {
		text += fmt.Sprintf(", %d have none (n/a)", without)
	}
	if unknown < 0 {
		t.opts.Logger.Info(text)
	} else {
		t.opts.Logger.Warn(fmt.Sprintf("%s; no item is named as in line %d: %q", text, seen.Lines[unknown], seen.Values[unknown]))
	}
	return nil
}

// indexed is an image of an index.
type indexed struct {
	path     string
	id       index.ID
	numbered bool // found by its number in the folder, not by a name
}

// items returns the images of the index that texts name: by their path in the folder
// of images and, where that folder is still there, as dataset.ReadSeen finds them.
func (t *trials) items(ctx context.Context, texts []string) (map[string]indexed, error) {
	found := map[string]indexed{}
	texts = slices.Compact(slices.Sorted(slices.Values(texts)))
	named := make(map[string]string, len(texts)) // texts to paths
	for _, text := range texts {
		named[text] = text
	}
	if err := t.lookUp(ctx, named, found); err != nil || len(found) == len(texts) || t.index.Origin.Root == "" {
		return found, err
	}
	var paths []string
	for file, err := range images.Files(t.index.Origin.Root) {
		if err == nil { // what cannot be read is not in the index
			paths = append(paths, file.Path)
		}
	}
	slices.SortFunc(paths, pattern.Compare)
	names := dataset.NewNames(paths)
	clear(named)
	numbers := map[string]bool{}
	for _, text := range texts {
		if image, ok := names.FindOrNumber(text); ok && !table.Missing(text) {
			named[text] = paths[image]
			_, byName := names.Find(text)
			numbers[text] = !byName
		}
	}
	if err := t.lookUp(ctx, named, found); err != nil {
		return nil, err
	}
	for text, item := range found {
		item.numbered = numbers[text]
		found[text] = item
	}
	return found, nil
}

// lookUp adds the items whose paths are in the index, by the texts that name them.
func (t *trials) lookUp(ctx context.Context, named map[string]string, found map[string]indexed) error {
	var ids []index.ID
	for _, path := range named {
		ids = append(ids, index.ID(images.ID(path)))
	}
	items, err := t.index.Get(ctx, ids)
	if err != nil {
		return err
	}
	there := make(map[index.ID]bool, len(items))
	for _, item := range items {
		there[item.ID] = true
	}
	for text, path := range named {
		if id := index.ID(images.ID(path)); there[id] {
			found[text] = indexed{path: path, id: id}
		}
	}
	return nil
}
