package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"engram/data/vfs"
	"engram/embed/model"
)

// staging is a folder in which a model is made, beside the one that it will be. One
// process at a time has it. What an interrupted process leaves there, the next one
// finds.
type staging struct {
	dir    string // where the files are put
	place  string // the model's folder in the end
	unlock func()
}

// stage returns the staging folder of a model that will be in the folder place. It
// waits while another process makes the same one, and tells the user so.
func (a *App) stage(ctx context.Context, place string) (*staging, error) {
	if err := vfs.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return nil, err
	}
	told := false
	unlock, err := lockName(place, func() error {
		if !told {
			a.notify("waiting for another process that makes the model %s", filepath.Base(place))
			told = true
		}
		timer := time.NewTimer(200 * time.Millisecond)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
			return nil
		}
	})
	if err != nil {
		return nil, err
	}
	s := &staging{dir: partialDir(place), place: place, unlock: unlock}
	if err := vfs.MkdirAll(s.dir, 0o755); err != nil {
		unlock()
		return nil, err
	}
	return s, nil
}

// partialDir is the hidden folder in which the model of a folder is made.
func partialDir(place string) string {
	dir, name := filepath.Split(place)
	return filepath.Join(dir, "."+name+partialSuffix)
}

// lockName keeps other processes from making or removing the model in the folder
// place. Where one does, held is called until it returns an error.
func lockName(place string, held func() error) (unlock func(), err error) {
	dir, name := filepath.Split(place)
	path := filepath.Join(dir, "."+name+".lock")
	for {
		file, err := vfs.Lock(path)
		if errors.Is(err, vfs.ErrHeld) {
			if err := held(); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		if mine, err := os.Stat(path); err == nil && isOpen(file, mine) {
			return func() { _ = os.Remove(path); _ = file.Close() }, nil
		}
		_ = file.Close() // the process before has removed it
	}
}

// isOpen reports whether an open file is the one that info describes.
func isOpen(file vfs.File, info os.FileInfo) bool {
	f, ok := file.(interface{ Stat() (os.FileInfo, error) })
	if !ok {
		return true
	}
	mine, err := f.Stat()
	return err == nil && os.SameFile(mine, info)
}

// listLinks lets the model have files that are links into the cache of another program.
func (s *staging) listLinks() error {
	var links []string
	err := filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink == 0 {
			return err
		}
		below, err := filepath.Rel(s.dir, path)
		links = append(links, filepath.ToSlash(below))
		return err
	})
	if err != nil {
		return err
	}
	return model.WriteLinks(s.dir, links)
}

// install gives the folder its place. A model that was there is replaced; other files
// of its folder stay.
func (s *staging) install(m *model.Model) error {
	if err := s.prune(m); err != nil {
		return err
	}
	old := s.dir + ".old"
	if err := vfs.RemoveAllFS(vfs.OS{}, old); err != nil {
		return err
	}
	if err := os.Rename(s.place, old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fsys := vfs.OS{}
	if err := fsys.Rename(s.dir, s.place); err != nil {
		return errors.Join(err, undo(old, s.place))
	}
	if err := carryOver(old, s.place); err != nil {
		return err
	}
	return errors.Join(fsys.SyncDir(filepath.Dir(s.place)), vfs.RemoveAllFS(fsys, old))
}

// carryOver moves what the folder of a model had beside the model into the new one.
func carryOver(old, place string) error {
	m, err := model.ReadManifest(old)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(old)
	if err != nil {
		return err
	}
	own := map[string]bool{model.FileName: true}
	for _, name := range companions {
		own[name] = true
	}
	for name := range m.Files {
		top, _, _ := strings.Cut(name, "/")
		own[top] = true
	}
	for _, entry := range entries {
		if _, err := os.Lstat(filepath.Join(place, entry.Name())); err == nil || own[entry.Name()] {
			continue
		}
		if err := os.Rename(filepath.Join(old, entry.Name()), filepath.Join(place, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// undo gives a model back the place that it had.
func undo(old, place string) error {
	err := os.Rename(old, place)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // there was none
	}
	return err
}

// companions are files of a model that its manifest does not list.
var companions = []string{model.CanaryName, model.LinksName}

// prune removes what is no part of the model: files that only its making needed.
func (s *staging) prune(m *model.Model) error {
	keep := map[string]bool{model.FileName: true}
	for name := range m.Files {
		keep[name] = true
	}
	for _, name := range companions {
		keep[name] = true
	}
	return filepath.WalkDir(s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(s.dir, path)
		if err != nil || entry.IsDir() || keep[filepath.ToSlash(below)] {
			return err
		}
		if err := os.Remove(path); err != nil {
			return err
		}
		s.removeEmpty(filepath.Dir(path))
		return nil
	})
}

// removeEmpty removes a folder in the staging folder and the ones above it, as far as
// nothing is in them.
func (s *staging) removeEmpty(dir string) {
	for ; dir != s.dir; dir = filepath.Dir(dir) {
		if os.Remove(dir) != nil {
			return // it is not empty
		}
	}
}

// discard removes what cannot be used.
func (s *staging) discard() error { return vfs.RemoveAllFS(vfs.OS{}, s.dir) }

// close removes the folder where nothing has arrived in it, and lets other processes in.
func (s *staging) close() {
	_ = os.Remove(s.dir)
	s.unlock()
}

// notify tells the user something in one line.
func (a *App) notify(format string, args ...any) {
	if a.opts.Notify != nil {
		a.opts.Notify(fmt.Sprintf(format, args...))
	}
}
