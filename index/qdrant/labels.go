package qdrant

import (
	"context"

	"engram/index"

	api "github.com/qdrant/go-client/qdrant"
)

// Labels implements index.Store. It asks the server, for another program may have
// set them.
func (s *Store) Labels(ctx context.Context) (map[string]string, error) {
	release, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	info, err := s.collection(ctx, s.opts.Collection)
	if err != nil {
		return nil, err
	}
	labels := map[string]string{}
	for name, label := range recorded(info)["labels"].GetStructValue().GetFields() {
		labels[name] = label.GetStringValue()
	}
	return labels, nil
}

// SetLabel implements index.Store. The server replaces all labels at once: of two
// programs that set one at the same time, the later may undo the earlier.
func (s *Store) SetLabel(ctx context.Context, name, value string) error {
	if err := index.CheckLabel(name, value); err != nil {
		return err
	}
	s.labelling.Lock()
	defer s.labelling.Unlock()
	labels, err := s.Labels(ctx)
	if err != nil {
		return err
	}
	if labels[name] = value; value == "" {
		delete(labels, name)
	}
	release, err := s.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	_, err = call(ctx, s.server, "label collection "+s.opts.Collection, func(ctx context.Context) (bool, error) {
		return true, s.client.UpdateCollection(ctx, &api.UpdateCollection{
			CollectionName: s.opts.Collection, Metadata: metadata(s.config.space, s.config.tokens, labels),
		})
	})
	return err
}
