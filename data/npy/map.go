package npy

import "fmt"

// Mapped is a float32 array whose elements are pages of its file, brought in
// when they are touched. It is read-only and safe for concurrent use until
// Close.
type Mapped struct {
	Shape   []int
	Data    []float32 // C order; writing to it, or using it after Close, crashes
	mapping []byte
}

// Map maps the file at path, which must hold little-endian float32 elements in
// C order, as numpy.save writes them; the error says what it holds otherwise,
// and ReadFile or OpenRows will read it. The file must not be cut short while
// it is mapped.
func Map(path string) (*Mapped, error) {
	f, h, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	switch {
	case h.dtype != dtype{kind: 'f', size: 4}:
		order := "little-endian"
		if h.dtype.big {
			order = "big-endian"
		}
		return nil, fmt.Errorf("npy: %s: wanted little-endian float32 to map, found %s %s", path, order, h.dtype)
	case h.fortran && len(h.shape) > 1:
		return nil, fmt.Errorf("npy: %s: wanted C order to map, found Fortran order", path)
	case h.offset%4 != 0:
		return nil, fmt.Errorf("npy: %s: wanted data at a multiple of 4 bytes to map, found it at byte %d", path, h.offset)
	}
	mapping, data, err := mapFile(f, h)
	if err != nil {
		return nil, fmt.Errorf("npy: %s: %w", path, err)
	}
	return &Mapped{Shape: h.shape, Data: data, mapping: mapping}, nil
}

// Close releases the mapping. A second Close does nothing.
func (m *Mapped) Close() error {
	mapping := m.mapping
	m.mapping, m.Data = nil, nil
	if mapping == nil {
		return nil
	}
	return unmap(mapping)
}
