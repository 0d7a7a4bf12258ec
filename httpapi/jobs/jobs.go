package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"engram/data/progress"
)

// The errors of a queue.
var (
	ErrNone    = errors.New("no such job")
	ErrNoFile  = errors.New("no such file of this job")
	ErrFull    = errors.New("as many jobs wait as the server lets")
	ErrEnded   = errors.New("the job has ended")
	ErrClosing = errors.New("the server is shutting down")
	ErrKind    = errors.New("no such kind of job")
	ErrRequest = errors.New("a job cannot be done as it was asked")
	ErrGone    = errors.New("what the job was asked is not kept")
)

// State says how far a job is.
type State string

// States of a job. The last four are final.
const (
	Queued      State = "queued"
	Running     State = "running"
	Succeeded   State = "succeeded"
	Failed      State = "failed"
	Cancelled   State = "cancelled"
	Interrupted State = "interrupted" // the process died in it, twice
)

// Ended tells whether nothing more happens to a job in this state.
func (s State) Ended() bool { return s != Queued && s != Running }

// Job is what is known of a job.
type Job struct {
	ID      string     `json:"id"`
	Kind    string     `json:"kind"`
	State   State      `json:"state"`
	Created time.Time  `json:"created"`
	Started *time.Time `json:"started,omitempty"`
	Ended   *time.Time `json:"ended,omitempty"`
	// Stage, Done and Total are the newest report: Done of Total in a stage; a Total of 0 is
	// not known.
	Stage string `json:"stage,omitempty"`
	Done  int64  `json:"done,omitempty"`
	Total int64  `json:"total,omitempty"`
	// Files are the names of what the job made, in the order in which they were made.
	Files  []string        `json:"files,omitempty"`
	Result json.RawMessage `json:"result,omitempty"` // of a job that succeeded
	Error  string          `json:"error,omitempty"`  // of one that failed, one sentence
	Terms
	Tries int `json:"tries,omitempty"` // how often it was begun
	// Cancelling says that the job runs and was cancelled: it is not begun again.
	Cancelling bool `json:"cancelling,omitempty"`
	// Version counts the changes, so that a reader knows whether it has the newest.
	Version int64 `json:"version"`
}

// Terms are what a client asks for beside the work.
type Terms struct {
	// Owner names the client, whose job it is; "": everybody's.
	Owner string `json:"owner,omitempty"`
	// Keep says that the request stays when the job has ended: people who send a scan may ask
	// for that.
	Keep bool `json:"keep,omitempty"`
}

// Kind is something that jobs can do.
type Kind struct {
	// Lane names the kinds whose jobs wait for each other: jobs of other lanes run meanwhile, so
	// that what takes seconds does not wait for what takes hours.
	Lane string
	// Check refuses a request before it is queued, with ErrRequest; nil takes all.
	Check func(request []byte) error
	// Run does the work and returns the result, which is kept as JSON. It ends soon after
	// ctx does. What it returns as an error is shown to clients.
	Run func(ctx context.Context, t *Task) (result any, err error)
}

// Task is what a Run works on.
type Task struct {
	Request []byte
	// Report says how far the job is; Save keeps a file of it, which replaces one of the
	// same name. Both may be called by any goroutine.
	Report progress.Func
	Save   func(name string, content []byte) error
}

// Options bound a queue. The zero value is the default.
type Options struct {
	Waiting int // jobs that wait in each lane, besides the one that runs; 0: 32
	Kept    int // jobs that are kept after their end, the newest; 0: 200
	// Now tells the time; nil: time.Now.
	Now func() time.Time
	// Fault is told of what goes wrong outside a request, such as a full disk; nil: nobody is.
	Fault func(error)
}

// mostTries is how often a job is begun that the process dies in: it may be what kills it.
const mostTries = 2

func (o Options) withDefaults() Options {
	if o.Waiting == 0 {
		o.Waiting = 32
	}
	if o.Kept == 0 {
		o.Kept = 200
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Fault == nil {
		o.Fault = func(error) {}
	}
	return o
}

// panicked is a panic of a kind as an error.
func panicked(kind string, p any) error { return fmt.Errorf("a %s job panicked: %v", kind, p) }
