package disk

import "engram/index"

// Chooser returns a function that reports whether the filter, which passes
// Check, chooses a row. It reads of the payload what the filter looks up, not
// checked but for its form (ErrCorrupt), and does not copy it. The function
// belongs to one goroutine.
func (s *Segment) Chooser(f index.Filter) func(row int) (bool, error) {
	keys, values := index.Keys(f), index.Payload{}
	return func(row int) (bool, error) {
		b, err := s.payload(row)
		if err == nil {
			err = viewFields(b, keys, values)
		}
		return err == nil && f.Match(values), err
	}
}

// viewFields decodes the fields that keys name, in ascending order, of the payload
// encoded in b, and sets values to them: to nil where the payload has no such key.
// Strings are views of b.
func viewFields(b []byte, keys []string, values index.Payload) error {
	d := decoder{rest: b, view: true}
	left := 0 // entries of the payload
	if len(b) > 0 {
		left = d.count(2)
	}
	for ; left > 0 && len(keys) > 0 && !d.bad; left-- {
		key := d.string()
		for len(keys) > 0 && keys[0] < key {
			values[keys[0]], keys = nil, keys[1:]
		}
		if len(keys) > 0 && keys[0] == key {
			values[keys[0]], keys = d.value(), keys[1:]
		} else {
			d.skip()
		}
	}
	for _, key := range keys {
		values[key] = nil
	}
	if d.bad {
		return corruptPayload(b)
	}
	return nil
}
