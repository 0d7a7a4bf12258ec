package local

import (
	"context"
	"fmt"
	"time"

	"engram/index"
)

// Event is a step of a piece of work that nobody waits for: a flush that Upsert has
// begun, or a graph of a segment.
type Event struct {
	Step  Step
	Bytes int           // of the rows in memory that a flush writes
	Items int           // that a graph is built of; 0: the event is of a flush
	Took  time.Duration // since it began
	Err   error         // why it failed
}

// Step is what an Event tells.
type Step string

// The steps.
const (
	Begun    Step = "begun"
	Finished Step = "finished"
	Failed   Step = "failed"
)

// Watch has f called for every event from now on, one at a time; nil ends that. f
// returns soon and does not call the store.
func (s *Store) Watch(f func(Event)) { s.events.Store(&f) }

// tell counts an event and passes it on. The caller holds the flusher lock.
func (s *Store) tell(e Event) {
	s.writer.Lock()
	switch e.Step {
	case Begun:
		s.background.Begun++
	case Finished:
		s.background.Finished++
	case Failed:
		s.background.Failed++
		if e.Items == 0 { // items without a graph are found all the same
			s.cause = e.Err
		}
	}
	s.writer.Unlock()
	if f := s.events.Load(); f != nil && *f != nil {
		(*f)(e)
	}
}

// flushInBackground begins a flush of what freeze has returned, size bytes. The
// caller holds the flusher lock, which is released when the flush has ended.
func (s *Store) flushInBackground(ctx context.Context, frozen *frozen, size int) {
	began := time.Now()
	s.tell(Event{Step: Begun, Bytes: size})
	go func() {
		e := Event{Step: Finished, Bytes: size}
		if e.Err = s.flushFrozen(context.WithoutCancel(ctx), frozen, flushing{plan: plan}); e.Err != nil {
			e.Step = Failed
		}
		e.Took = time.Since(began)
		s.tell(e)
		s.flusher.Unlock()
		if _, due, urgent := s.pressure(); due && !urgent {
			s.giveBack(ctx) // a write that would have begun a flush met this one
		}
	}()
}

// failure returns the error of a flush in the background that no write has
// reported and no later flush has mended, and forgets it.
func (s *Store) failure() error {
	s.writer.Lock()
	defer s.writer.Unlock()
	if s.cause == nil {
		return nil
	}
	err := fmt.Errorf("rows in memory could not be written in the background: %w", s.cause)
	s.cause = nil
	return err
}

// counts returns how the flushes in the background went.
func (s *Store) counts() index.Background {
	s.writer.Lock()
	defer s.writer.Unlock()
	return s.background
}
