package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"engram/data/progress"
	"engram/data/vfs"
	"engram/httpapi/jobs"
)

// until waits until a job is in a state.
func until(t *testing.T, q *jobs.Queue, id string, ok func(jobs.Job) bool) jobs.Job {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		j, changed, err := q.Get(id)
		if err != nil {
			t.Fatal(err)
		}
		if ok(j) {
			return j
		}
		select {
		case <-changed:
		case <-late:
			t.Fatalf("the job is still %+v", j)
		}
	}
}

func is(state jobs.State) func(jobs.Job) bool {
	return func(j jobs.Job) bool { return j.State == state }
}

func open(t *testing.T, dir string, run func(context.Context, *jobs.Task) (any, error), opts jobs.Options) *jobs.Queue {
	t.Helper()
	opts.Fault = func(err error) { t.Errorf("fault: %v", err) }
	q, err := jobs.Open(dir, map[string]jobs.Kind{"work": {Run: run, Check: func(request []byte) error {
		if len(request) == 0 {
			return errors.New("an empty request")
		}
		return nil
	}}}, opts)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func submit(t *testing.T, q *jobs.Queue, request string) jobs.Job {
	t.Helper()
	j, err := q.Submit("work", []byte(request), jobs.Terms{})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func mustClose(t *testing.T, q *jobs.Queue) {
	t.Helper()
	if err := q.Close(); err != nil {
		t.Error(err)
	}
}

// waits is work that waits until it is cancelled.
func waits(ctx context.Context, _ *jobs.Task) (any, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// What a full disk, or a folder that is gone, does to a job is told to its client without the place
// of the jobs, and to the operator with it.
func TestAFileThatCannotBeKept(t *testing.T) {
	dir, faults := t.TempDir(), make(chan error, 1)
	q, err := jobs.Open(dir, map[string]jobs.Kind{"work": {Run: func(_ context.Context, task *jobs.Task) (any, error) {
		folders, err := filepath.Glob(filepath.Join(dir, "*", "files"))
		for _, folder := range folders {
			err = errors.Join(err, os.RemoveAll(folder))
		}
		return nil, errors.Join(err, task.Save("a.png", []byte("picture")))
	}}}, jobs.Options{Fault: func(err error) { faults <- err }})
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, q)
	j := until(t, q, submit(t, q, "ask").ID, is(jobs.Failed))
	if strings.Contains(j.Error, dir) || !strings.HasPrefix(j.Error, "a.png cannot be kept: ") {
		t.Errorf("the client reads %q", j.Error)
	}
	if told := (<-faults).Error(); !strings.Contains(told, dir) {
		t.Errorf("the operator reads %q", told)
	}
}

// A job of another lane neither waits for one that takes long nor finds the queue full of its
// like. A kind that is gone after a restart has a lane too.
func TestLanesRunSideBySide(t *testing.T) {
	dir := t.TempDir()
	quick := func(context.Context, *jobs.Task) (any, error) { return nil, nil }
	q, err := jobs.Open(dir, map[string]jobs.Kind{"train": {Run: waits, Lane: "long"}, "draw": {Run: quick}}, jobs.Options{Waiting: 1})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(kind string) jobs.Job {
		t.Helper()
		j, err := q.Submit(kind, []byte("ask"), jobs.Terms{})
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	until(t, q, ask("train").ID, is(jobs.Running))
	second := ask("train")
	if _, err := q.Submit("train", nil, jobs.Terms{}); !errors.Is(err, jobs.ErrFull) {
		t.Errorf("a second job that waits in a lane of one: error %v, wanted %v", err, jobs.ErrFull)
	}
	until(t, q, ask("draw").ID, is(jobs.Succeeded))
	if running, waiting := q.Length(); running != 1 || waiting != 1 {
		t.Errorf("%d jobs run and %d wait, wanted 1 and 1", running, waiting)
	}
	mustClose(t, q)
	if q, err = jobs.Open(dir, map[string]jobs.Kind{"draw": {Run: quick, Lane: "short"}}, jobs.Options{}); err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, q)
	if j := until(t, q, second.ID, is(jobs.Failed)); !strings.Contains(j.Error, "train") {
		t.Errorf("a kind that is gone: %q", j.Error)
	}
}

func TestAJobRunsAndIsKept(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, func(_ context.Context, task *jobs.Task) (any, error) {
		task.Report(progress.Report{Stage: "drawing", Done: 1, Total: 2})
		for range 2 { // the second replaces the first
			if err := task.Save("a.txt", task.Request); err != nil {
				return nil, err
			}
		}
		for _, name := range []string{"../b", "", "B", "a/b"} {
			if err := task.Save(name, nil); err == nil {
				return nil, fmt.Errorf("a file %q was taken", name)
			}
		}
		return map[string]int{"made": 1}, nil
	}, jobs.Options{})
	first := submit(t, q, "ask")
	if first.State != jobs.Queued || first.ID == "" {
		t.Errorf("submitted: %+v", first)
	}
	j := until(t, q, first.ID, is(jobs.Succeeded))
	if string(j.Result) != `{"made":1}` || !slices.Equal(j.Files, []string{"a.txt"}) || j.Stage != "drawing" || j.Done != 1 || j.Total != 2 || j.Ended == nil {
		t.Errorf("ended: %+v", j)
	}
	if _, err := os.Stat(filepath.Join(dir, j.ID, "request")); !os.IsNotExist(err) {
		t.Errorf("the request of a job that has ended is still there: %v", err)
	}
	kept, err := q.Submit("work", []byte("ask"), jobs.Terms{Keep: true})
	if err != nil {
		t.Fatal(err)
	}
	until(t, q, kept.ID, is(jobs.Succeeded))
	if text, err := os.ReadFile(filepath.Join(dir, kept.ID, "request")); err != nil || string(text) != "ask" {
		t.Errorf("the request that was to stay is %q, %v", text, err)
	}
	mustClose(t, q)

	// Another process finds it.
	q = open(t, dir, waits, jobs.Options{})
	defer mustClose(t, q)
	again, _, err := q.Get(j.ID)
	if err != nil || again.State != jobs.Succeeded || string(again.Result) != "{\"made\":1}" {
		t.Errorf("after a restart: %+v, %v", again, err)
	}
	if content, err := q.File(j.ID, "a.txt"); err != nil || string(content) != "ask" {
		t.Errorf("its file is %q, %v", content, err)
	}
	for _, name := range []string{"b.txt", "../job.json", ""} {
		if _, err := q.File(j.ID, name); !errors.Is(err, jobs.ErrNoFile) {
			t.Errorf("file %q: %v", name, err)
		}
	}
	if _, err := q.File("x", "a.txt"); !errors.Is(err, jobs.ErrNone) {
		t.Errorf("a file of no job: %v", err)
	}
	if list := q.List(); len(list) != 2 || list[0].ID != kept.ID {
		t.Errorf("listed: %+v, want the newest first", list)
	}
}

func TestJobsAreRefused(t *testing.T) {
	q := open(t, t.TempDir(), waits, jobs.Options{Waiting: 1})
	if _, err := q.Submit("play", nil, jobs.Terms{}); !errors.Is(err, jobs.ErrKind) || !strings.Contains(err.Error(), `wanted one of ["work"]`) {
		t.Errorf("an unknown kind: %v", err)
	}
	if _, err := q.Submit("work", nil, jobs.Terms{}); err == nil || err.Error() != "an empty request" {
		t.Errorf("a request that the kind refuses: %v", err)
	}
	running := submit(t, q, "1")
	until(t, q, running.ID, is(jobs.Running))
	submit(t, q, "2")
	if _, err := q.Submit("work", []byte("3"), jobs.Terms{}); !errors.Is(err, jobs.ErrFull) {
		t.Errorf("a job too many: %v", err)
	}
	if r, w := q.Length(); r != 1 || w != 1 {
		t.Errorf("%d run and %d wait, want 1 and 1", r, w)
	}
	if _, err := q.Cancel("x"); !errors.Is(err, jobs.ErrNone) {
		t.Errorf("cancel of no job: %v", err)
	}
	mustClose(t, q)
	if _, err := q.Submit("work", []byte("4"), jobs.Terms{}); !errors.Is(err, jobs.ErrClosing) {
		t.Errorf("a job after the end: %v", err)
	}
}

func TestCancel(t *testing.T) {
	q := open(t, t.TempDir(), waits, jobs.Options{})
	defer mustClose(t, q)
	running, waiting := submit(t, q, "1"), submit(t, q, "2")
	until(t, q, running.ID, is(jobs.Running))
	if j, err := q.Cancel(waiting.ID); err != nil || j.State != jobs.Cancelled {
		t.Errorf("one that waits: %+v, %v", j, err)
	}
	if _, err := q.Cancel(running.ID); err != nil {
		t.Error(err)
	}
	until(t, q, running.ID, is(jobs.Cancelled))
	if _, err := q.Cancel(running.ID); !errors.Is(err, jobs.ErrEnded) {
		t.Errorf("one that has ended: %v", err)
	}
}

func TestFailuresAndPanicsCostOneJob(t *testing.T) {
	q := open(t, t.TempDir(), func(_ context.Context, task *jobs.Task) (any, error) {
		switch string(task.Request) {
		case "fail":
			return nil, errors.New("no such trial")
		case "panic":
			panic("a bug")
		}
		return nil, nil
	}, jobs.Options{})
	defer mustClose(t, q)
	for request, want := range map[string]string{"fail": "no such trial", "panic": "a work job panicked: a bug"} {
		if j := until(t, q, submit(t, q, request).ID, is(jobs.Failed)); j.Error != want {
			t.Errorf("%s says %q, want %q", request, j.Error, want)
		}
	}
	until(t, q, submit(t, q, "go").ID, is(jobs.Succeeded))
}

// A job that was running when the server was closed waits for the next one, and one that
// the process died in is begun twice at most.
func TestARestartGoesOn(t *testing.T) {
	dir := t.TempDir()
	q := open(t, dir, waits, jobs.Options{})
	first, second := submit(t, q, "1"), submit(t, q, "2")
	until(t, q, first.ID, is(jobs.Running))
	record := filepath.Join(dir, first.ID, "job.json")
	died, err := os.ReadFile(record) // as kill -9 leaves it
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, q)
	if _, err := jobs.Open(filepath.Join(dir, first.ID, "job.json"), nil, jobs.Options{}); err == nil {
		t.Error("a file was opened as a folder")
	}
	if err := vfs.MkdirAll(filepath.Join(dir, "0123456789abcdef"), 0o700); err != nil { // an odd one
		t.Fatal(err)
	}
	var mu sync.Mutex
	var order, faults []string
	work := func(_ context.Context, task *jobs.Task) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, string(task.Request))
		return nil, nil
	}
	kinds := map[string]jobs.Kind{"work": {Run: work}}
	q, err = jobs.Open(dir, kinds, jobs.Options{Fault: func(err error) { faults = append(faults, err.Error()) }})
	if err != nil {
		t.Fatal(err)
	}
	if len(faults) != 1 || !strings.Contains(faults[0], "left out") {
		t.Errorf("faults are %q, want the odd folder", faults)
	}
	if _, err := jobs.Open(dir, kinds, jobs.Options{}); !errors.Is(err, vfs.ErrHeld) {
		t.Errorf("a folder that is open: %v", err)
	}
	until(t, q, second.ID, is(jobs.Succeeded))
	if j := until(t, q, first.ID, is(jobs.Succeeded)); j.Tries != 1 {
		t.Errorf("closing counts as a try: %+v", j)
	}
	if !slices.Equal(order, []string{"1", "2"}) {
		t.Errorf("the jobs ran in the order %v", order)
	}
	mustClose(t, q)

	if err := os.WriteFile(filepath.Join(dir, first.ID, "request"), []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	for tries, want := range map[string]jobs.State{`"tries": 1`: jobs.Succeeded, `"tries": 2`: jobs.Interrupted} {
		if err := os.WriteFile(record, []byte(strings.Replace(string(died), `"tries": 1`, tries, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, first.ID, "request"), []byte("1"), 0o600); err != nil {
			t.Fatal(err)
		}
		q, err = jobs.Open(dir, kinds, jobs.Options{})
		if err != nil {
			t.Fatal(err)
		}
		until(t, q, first.ID, is(want))
		mustClose(t, q)
	}
}

func TestOldJobsAreForgotten(t *testing.T) {
	dir := t.TempDir()
	now := time.Unix(0, 0)
	q := open(t, dir, func(context.Context, *jobs.Task) (any, error) { return nil, nil }, jobs.Options{Kept: 2, Now: func() time.Time {
		now = now.Add(time.Second)
		return now
	}})
	var ids []string
	for range 4 {
		j := submit(t, q, "x")
		until(t, q, j.ID, is(jobs.Succeeded))
		ids = append(ids, j.ID)
	}
	mustClose(t, q)
	if list := q.List(); len(list) != 2 || list[0].ID != ids[3] || list[1].ID != ids[2] {
		t.Errorf("kept: %+v, want the last two of %v", list, ids)
	}
	if _, err := os.Stat(filepath.Join(dir, ids[0])); !os.IsNotExist(err) {
		t.Errorf("the folder of a job that is forgotten: %v", err)
	}
}

// A job that failed is begun again as another one, where what it was asked is kept.
func TestRetry(t *testing.T) {
	tries := 0
	q := open(t, t.TempDir(), func(context.Context, *jobs.Task) (any, error) {
		if tries++; tries < 3 {
			return nil, errors.New("the disk is full")
		}
		return nil, nil
	}, jobs.Options{})
	defer mustClose(t, q)
	forgotten := submit(t, q, "ask")
	until(t, q, forgotten.ID, is(jobs.Failed))
	if _, err := q.Retry(forgotten.ID); !errors.Is(err, jobs.ErrGone) {
		t.Errorf("a job whose request is not kept: %v", err)
	}
	kept, err := q.Submit("work", []byte("ask"), jobs.Terms{Owner: "lab", Keep: true})
	if err != nil {
		t.Fatal(err)
	}
	until(t, q, kept.ID, is(jobs.Failed))
	again, err := q.Retry(kept.ID)
	if err != nil || again.ID == kept.ID || again.Owner != "lab" || !again.Keep {
		t.Fatalf("again: %+v, %v", again, err)
	}
	until(t, q, again.ID, is(jobs.Succeeded))
	for id, want := range map[string]error{again.ID: jobs.ErrEnded, "x": jobs.ErrNone} {
		if _, err := q.Retry(id); !errors.Is(err, want) {
			t.Errorf("retry of %s: %v, wanted %v", id, err, want)
		}
	}
}

// A job that was cancelled is not begun again, also where the process ends before it has, and one
// whose kind is gone fails with a sentence.
func TestWhatIsNotBegunAgain(t *testing.T) {
	dir := t.TempDir()
	running, release := make(chan struct{}), make(chan struct{})
	q := open(t, dir, func(ctx context.Context, _ *jobs.Task) (any, error) {
		close(running)
		<-release // it takes its time to end
		return nil, ctx.Err()
	}, jobs.Options{})
	cancelled, waiting := submit(t, q, "1"), submit(t, q, "2")
	<-running
	if j, err := q.Cancel(cancelled.ID); err != nil || !j.Cancelling {
		t.Errorf("cancelled: %+v, %v", j, err)
	}
	record := filepath.Join(dir, cancelled.ID, "job.json")
	died, err := os.ReadFile(record) // as kill -9 leaves it
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error)
	go func() { closed <- q.Close() }()
	time.Sleep(20 * time.Millisecond) // the queue is closing
	close(release)
	if err := <-closed; err != nil {
		t.Error(err)
	}
	for range 2 {
		q, err := jobs.Open(dir, nil, jobs.Options{})
		if err != nil {
			t.Fatal(err)
		}
		until(t, q, cancelled.ID, is(jobs.Cancelled))
		if j := until(t, q, waiting.ID, is(jobs.Failed)); !strings.Contains(j.Error, `"work": no such kind of job`) {
			t.Errorf("a job whose kind is gone: %+v", j)
		}
		mustClose(t, q)
		if err := os.WriteFile(record, died, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
