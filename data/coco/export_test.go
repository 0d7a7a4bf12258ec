package coco

import "bytes"

// LoadBytes is Load of one file in memory, for tests that read very many.
func LoadBytes(content []byte) (*Dataset, error) {
	m := newMerger()
	if err := m.addStream(bytes.NewReader(content), "memory"); err != nil {
		return nil, err
	}
	return m.dataset(), nil
}
