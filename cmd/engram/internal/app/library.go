package app

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"engram/data/vfs"
	"engram/embed/hub/catalogue"
	"engram/embed/model"
)

// Installed is a model in the user's cache, or what has arrived of one whose download
// was interrupted.
type Installed struct {
	Name     string         `json:"name"` // by which it is asked for
	Dir      string         `json:"dir"`
	Bytes    int64          `json:"bytes"`             // on disk
	Partial  bool           `json:"partial,omitempty"` // interrupted; there is no manifest
	Manifest model.Manifest `json:"manifest,omitzero"` // as it is written, files unchecked
}

// partialSuffix ends the name of the hidden folder in which a model is made.
const partialSuffix = ".partial"

// modelsDir returns the folder of the installed models.
func (a *App) modelsDir() (string, error) {
	cache, err := a.CacheDir()
	return filepath.Join(cache, "models"), err
}

// InstalledModels returns the models in the user's cache by name, without the ones
// that the binary carries.
func (a *App) InstalledModels() ([]Installed, error) {
	all, err := a.modelsDir()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(all)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found []Installed
	for _, entry := range entries {
		m := Installed{Name: entry.Name(), Dir: filepath.Join(all, entry.Name())}
		if short, hidden := strings.CutPrefix(m.Name, "."); hidden {
			m.Name, m.Partial = strings.CutSuffix(short, partialSuffix)
		}
		if !entry.IsDir() || !validName(m.Name) || strings.HasPrefix(entry.Name(), ".") && !m.Partial {
			continue
		}
		if !m.Partial {
			manifest, err := model.ReadManifest(m.Dir)
			if err != nil {
				continue // no model; opening it by its name says why
			}
			m.Manifest = *manifest
		}
		if m.Bytes, err = diskUse(m.Dir); err != nil {
			return nil, err
		}
		found = append(found, m)
	}
	return found, nil
}

// installed returns the folder of an installed model, and false where there is none of
// the name.
func (a *App) installed(name string) (dir string, ok bool, err error) {
	all, err := a.modelsDir()
	if err != nil {
		return "", false, err
	}
	dir = filepath.Join(all, name)
	if !validName(name) || !isModelFolder(dir) {
		return "", false, nil
	}
	return dir, true, nil
}

// isPartial reports whether something has arrived of a model whose download was
// interrupted.
func (a *App) isPartial(name string) bool {
	all, err := a.modelsDir()
	if err != nil || !validName(name) {
		return false
	}
	info, err := os.Stat(partialDir(filepath.Join(all, name)))
	return err == nil && info.IsDir()
}

// RemoveModel removes an installed model, or the rest of an interrupted download. It
// returns what is gone.
func (a *App) RemoveModel(name string) (*Installed, error) {
	if name == Pixels || strings.HasPrefix(name, scenesPrefix) {
		return nil, fmt.Errorf("%s is part of engram and takes no room that could be freed", name)
	}
	found, err := a.InstalledModels()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(found, func(m Installed) bool { return m.Name == name && !m.Partial })
	if i < 0 {
		i = slices.IndexFunc(found, func(m Installed) bool { return m.Name == name })
	}
	if i < 0 {
		if isModelFolder(name) {
			return nil, fmt.Errorf("%s is a folder that engram has not installed, remove it yourself", name)
		}
		return nil, fmt.Errorf("no model %q is installed%s", name, meant(name, names(found)))
	}
	m := found[i]
	place := filepath.Join(filepath.Dir(m.Dir), name)
	unlock, err := lockName(place, func() error {
		return fmt.Errorf("%s is being fetched by another process, stop that first", name)
	})
	if err != nil {
		return nil, err
	}
	defer unlock()
	gone := m.Dir
	if !m.Partial { // a name must not stand for half a model
		gone = partialDir(place)
		if err := vfs.RemoveAllFS(vfs.OS{}, gone); err != nil {
			return nil, err
		}
		if err := os.Rename(m.Dir, gone); err != nil {
			return nil, err
		}
	}
	return &m, vfs.RemoveAllFS(vfs.OS{}, gone)
}

// names are the names of models.
func names(models []Installed) []string {
	var all []string
	for _, m := range models {
		all = append(all, m.Name)
	}
	return all
}

// modelName is what an installed model may be called.
var modelName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// checkName refuses a name that no installed model can have.
func checkName(name string) error {
	switch {
	case !modelName.MatchString(name):
		return fmt.Errorf("%q is no name of a model, wanted letters, digits, '.', '_' and '-'", name)
	case name == Pixels || strings.HasPrefix(name, Pixels+"-") || strings.HasPrefix(name, scenesPrefix):
		return fmt.Errorf("the name %q is for the models that engram carries", name)
	case strings.HasSuffix(name, partialSuffix):
		return fmt.Errorf("the name %q ends in %s, which is for unfinished downloads", name, partialSuffix)
	}
	return nil
}

// validName reports whether an installed model can have a name.
func validName(name string) bool { return checkName(name) == nil }

// isModelFolder reports whether there is a manifest in a folder.
func isModelFolder(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, model.FileName))
	return err == nil && info.Mode().IsRegular()
}

// diskUse returns the size of the files of a folder in bytes.
func diskUse(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed in the meantime
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return nil
	})
	return size, err
}

// meant returns a question that names what is nearest to a misspelt name, "" where
// nothing is near.
func meant(name string, known []string) string {
	if near := nearest(name, known); len(near) > 0 {
		return ", did you mean " + strings.Join(near, " or ") + "?"
	}
	return ""
}

// nearest returns at most three of the names that have the most in common with name:
// at most a third of its letters differ, or it is a part of them.
func nearest(name string, known []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	var found []candidate
	name = strings.ToLower(name)
	for _, k := range known {
		d := editDistance(name, strings.ToLower(k))
		if len(name) >= 3 && strings.Contains(strings.ToLower(k), name) {
			d = min(d, 1)
		}
		if 3*d <= len(name) {
			found = append(found, candidate{k, d})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return a.distance - b.distance })
	var all []string
	for _, c := range found[:min(len(found), 3)] {
		if c.distance <= found[0].distance+1 {
			all = append(all, c.name)
		}
	}
	return slices.Compact(all)
}

// editDistance is Levenshtein's: the least number of bytes to insert, delete or
// replace that makes b of a.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// ModelNames returns the names by which a model can be asked for.
func (a *App) ModelNames() []string {
	all := []string{Pixels, ScenesCLIP}
	if found, err := a.InstalledModels(); err == nil {
		all = append(all, names(found)...)
	}
	for _, e := range catalogue.Entries() {
		all = append(all, e.Name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
