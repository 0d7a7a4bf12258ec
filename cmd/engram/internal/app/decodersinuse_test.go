package app

import (
	"errors"
	"io"
	"testing"
	"time"

	"engram/httpapi/jobs"
	"engram/index"
)

// closes counts its Close.
type closes struct{ n int }

func (c *closes) Close() error {
	c.n++
	return nil
}

// A reconstruction and a training run side by side: the decoder that the training replaces is
// closed when the reconstruction has ended, and not used after that.
func TestADecoderIsClosedAfterItsLastUse(t *testing.T) {
	handle := new(closes)
	made := &madeSubject{opened: []io.Closer{handle}}
	made.decoder.use = made.use
	var table decodersInUse
	table.put("subj01", made.decoder)
	used, ok := table.of("subj01")
	if _, other := table.of("subj02"); !ok || other || len(table.all()) != 1 {
		t.Fatal("the table has other subjects than were put")
	}
	closed := make(chan error)
	err := used.use(func() error {
		go func() { closed <- made.Close() }()
		select {
		case err := <-closed:
			t.Errorf("it is closed while it is used: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
		if handle.n != 0 {
			t.Error("its parts are closed while it is used")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-closed; err != nil || handle.n != 1 {
		t.Errorf("it was closed %d times, error %v", handle.n, err)
	}
	if err := used.use(func() error { t.Error("a closed decoder is used"); return nil }); !errors.Is(err, index.ErrClosed) {
		t.Errorf("a closed decoder: error %v, wanted %v", err, index.ErrClosed)
	}
}

// What an administrator's job takes hours for keeps nobody's reconstruction waiting.
func TestWorkHasALaneOfItsOwn(t *testing.T) {
	kinds := map[string]jobs.Kind{jobs.Reconstruct: {}}
	(&workspace{collections: new(collections)}).kinds(kinds)
	for _, kind := range []string{jobs.Train, jobs.Calibrate, jobs.Build} {
		if found, ok := kinds[kind]; !ok || found.Lane == kinds[jobs.Reconstruct].Lane {
			t.Errorf("%s jobs run in the lane %q of reconstructions", kind, found.Lane)
		}
	}
}
