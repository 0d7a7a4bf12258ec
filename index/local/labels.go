package local

import (
	"context"
	"maps"

	"engram/index"
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
	if err := s.checkOpen(ctx); err != nil {
		return err
	}
	if err := s.checkWritable(); err != nil {
		return err
	}
	labels := map[string]string{}
	maps.Copy(labels, *s.labels.Load())
	if labels[name] = value; value == "" {
		delete(labels, name)
	}
	m := s.written
	m.Labels, m.Next = labels, s.next
	if err := s.folder.WriteManifest(m); err != nil {
		return err
	}
	s.labels.Store(&labels)
	if err := s.folder.Sync(); err != nil {
		return err
	}
	return s.folder.RemoveOldLabel(name)
}
