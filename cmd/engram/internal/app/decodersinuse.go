package app

import (
	"maps"
	"sync"
)

// decodersInUse are the decoders of the subjects that a server takes the scans of. They are
// safe for concurrent use.
type decodersInUse struct {
	mu        sync.Mutex
	bySubject map[string]decoderInUse
}

// decoderInUse is a decoder that is open as long as use calls its function. use fails where the
// decoder is closed.
type decoderInUse struct {
	*Decoder
	use func(do func() error) error
}

// always is the use of a decoder that is open as long as the server is.
func always(do func() error) error { return do() }

// put gives a subject a decoder, in place of the one that it may have.
func (d *decodersInUse) put(subject string, decoder decoderInUse) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bySubject == nil {
		d.bySubject = map[string]decoderInUse{}
	}
	d.bySubject[subject] = decoder
}

// of returns the decoder of a subject.
func (d *decodersInUse) of(subject string) (decoder decoderInUse, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	decoder, ok = d.bySubject[subject]
	return decoder, ok
}

// all returns the decoders by their subjects.
func (d *decodersInUse) all() map[string]decoderInUse {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.bySubject)
}
