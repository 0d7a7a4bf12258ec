package local

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"engram/index"
	"engram/index/internal/disk"
)

// Labels implements index.Store.
func (s *Store) Labels(ctx context.Context) (map[string]string, error) {
	snap, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer snap.release()
	labels := map[string]string{}
	maps.Copy(labels, *s.labels.Load())
	return labels, nil
}

// SetLabel implements index.Store. Labels lie in the manifest: it is written with
// the segments that it had, so that items which were not flushed are left as they
// are.
func (s *Store) SetLabel(ctx context.Context, name, value string) error {
	if err := index.CheckLabel(name, value); err != nil {
		return err
	}
	s.flusher.Lock()
	defer s.flusher.Unlock()
	if s.current.Load() == nil {
		return index.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	labels := map[string]string{}
	maps.Copy(labels, *s.labels.Load())
	if labels[name] = value; value == "" {
		delete(labels, name)
	}
	m := s.written
	m.Labels, m.Next = labels, s.next
	if err := writeManifest(s.folder, m); err != nil {
		return err
	}
	s.labels.Store(&labels)
	if err := s.folder.Sync(); err != nil {
		return err
	}
	if name == originLabel {
		if err := s.folder.Remove(oldOriginName); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// An index in format 1 had the label "origin" in a file of its own.
const (
	originLabel   = "origin"
	oldOriginName = "origin.json"
)

// readOldOrigin takes the content of that file for the label, where there is one
// and the manifest has no such label. SetLabel moves it to the manifest.
func readOldOrigin(dir string, m *disk.Manifest) error {
	if _, labelled := m.Labels[originLabel]; labelled {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(dir, oldOriginName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	m.Labels = maps.Clone(m.Labels)
	if m.Labels == nil {
		m.Labels = map[string]string{}
	}
	m.Labels[originLabel] = strings.TrimSpace(string(text))
	return nil
}
