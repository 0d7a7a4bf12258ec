package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"engram/data/progress"
	"engram/httpapi/jobs"
	"engram/httpapi/keys"
)

// steps lets a fake reconstruction go on, step by step.
type steps chan struct{}

// fakeJobs gives a server a fake reconstruction, which makes a step and a preview for each
// element of steps, three in all.
func fakeJobs(t *testing.T, opts *Options, bounds jobs.Options) steps {
	t.Helper()
	next := make(steps, 100)
	bounds.Fault = func(err error) { t.Errorf("jobs: %v", err) }
	queue, err := jobs.Open(t.TempDir(), map[string]jobs.Kind{jobs.Reconstruct: {Run: func(ctx context.Context, task *jobs.Task) (any, error) {
		var ask jobs.Reconstruction
		if err := json.Unmarshal(task.Request, &ask); err != nil {
			return nil, err
		}
		if ask.Seed == 13 {
			return nil, errors.New("the disk is full")
		}
		picture := flatPNG(t, colours[red])
		for step := range 3 {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-next:
			}
			task.Report(progress.Report{Stage: "reconstructing", Done: int64(step) + 1, Total: 3})
			if err := task.Save(fmt.Sprintf("preview-%02d.png", step+1), picture); err != nil {
				return nil, err
			}
		}
		for _, name := range []string{"blurry.png", "picture.png"} {
			if err := task.Save(name, picture); err != nil {
				return nil, err
			}
		}
		return map[string]any{"caption": "a red thing", "repeats": len(ask.Repeats), "steps": ask.Steps, "candidates": ask.Candidates}, nil
	}}}, bounds)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := queue.Close(); err != nil {
			t.Error(err)
		}
	})
	opts.Jobs = queue
	return next
}

// submitted submits a reconstruction of a stored trial and returns the job.
func submitted(t *testing.T, s *Server, options string) jobView {
	t.Helper()
	w := call(t, s, here(http.MethodPost, "/v1/jobs/reconstruct"+options, `{"trial":"t1"}`))
	var j jobView
	if err := json.Unmarshal(w.Body.Bytes(), &j); w.Code != http.StatusAccepted || err != nil || w.Header().Get("Location") != "/v1/jobs/"+j.ID {
		t.Fatalf("submitted: status %d, %s, Location %q", w.Code, w.Body, w.Header().Get("Location"))
	}
	return j
}

// events reads the events of a job to the end.
func events(t *testing.T, s *Server, id, last string) (list []jobView) {
	t.Helper()
	r := here(http.MethodGet, "/v1/jobs/"+id+"/events", "")
	r.Header.Set("Last-Event-ID", last)
	w := call(t, s, r)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/event-stream" {
		t.Fatalf("events: status %d, %s", w.Code, w.Header().Get("Content-Type"))
	}
	lines := bufio.NewScanner(w.Body)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var j jobView
			if err := json.Unmarshal([]byte(data), &j); err != nil {
				t.Fatal(err)
			}
			list = append(list, j)
		}
	}
	return list
}

func TestAReconstructionIsAJob(t *testing.T) {
	opts := fakeOptions(t)
	next := fakeJobs(t, &opts, jobs.Options{})
	s := newServer(t, opts)
	if w := call(t, s, here(http.MethodGet, "/v1/info", "")); !strings.Contains(w.Body.String(), `"reconstructs":true`) {
		t.Errorf("the server says %s", w.Body)
	}
	j := submitted(t, s, "?steps=7&candidates=2&seed=5")
	for range 3 {
		next <- struct{}{}
	}
	seen := events(t, s, j.ID, "")
	end := seen[len(seen)-1]
	if end.State != jobs.Succeeded || end.Done != 3 || end.Total != 3 || string(end.Result) != `{"candidates":2,"caption":"a red thing","repeats":2,"steps":7}` {
		t.Errorf("the last event is %+v", end)
	}
	for i := 1; i < len(seen); i++ {
		if seen[i].Version <= seen[i-1].Version {
			t.Errorf("event %d has version %d after %d", i, seen[i].Version, seen[i-1].Version)
		}
	}
	if again := events(t, s, j.ID, fmt.Sprint(end.Version)); len(again) != 0 {
		t.Errorf("a client that has the newest gets %+v", again)
	}
	w := call(t, s, here(http.MethodGet, "/"+end.URL+"/files/picture.png", ""))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/png" || w.Body.Len() != len(flatPNG(t, colours[red])) {
		t.Errorf("the picture: status %d, %s, %d bytes", w.Code, w.Header().Get("Content-Type"), w.Body.Len())
	}
	for _, name := range []string{"secret.png", "..%2Fjob.json", "job.json"} {
		if w := call(t, s, here(http.MethodGet, "/"+end.URL+"/files/"+name, "")); w.Code != http.StatusNotFound {
			t.Errorf("file %s: status %d", name, w.Code)
		}
	}
	w = call(t, s, here(http.MethodGet, "/v1/jobs", ""))
	if !strings.Contains(w.Body.String(), j.ID) || !strings.Contains(w.Body.String(), `"kinds":["reconstruct"]`) {
		t.Errorf("listed: %s", w.Body)
	}
	failed := submitted(t, s, "?seed=13")
	seen = events(t, s, failed.ID, "")
	if end := seen[len(seen)-1]; end.State != jobs.Failed || end.Error != "the disk is full" {
		t.Errorf("one that fails ends as %+v", end)
	}
}

func TestJobsAreCancelledAndRefused(t *testing.T) {
	opts := fakeOptions(t)
	_ = fakeJobs(t, &opts, jobs.Options{Waiting: 1}) // no step is ever made
	s := newServer(t, opts)
	running := submitted(t, s, "")
	for j, changed, err := opts.Jobs.Get(running.ID); j.State != jobs.Running; j, changed, err = opts.Jobs.Get(running.ID) {
		if err != nil {
			t.Fatal(err)
		}
		<-changed
	}
	waiting := submitted(t, s, "")
	w := httptest.NewRecorder()
	s.Admin().ServeHTTP(w, here(http.MethodGet, "/metrics", ""))
	for _, line := range []string{"engram_jobs_running 1", "engram_jobs_waiting 1"} {
		if !strings.Contains(w.Body.String(), line) {
			t.Errorf("the metrics lack %q", line)
		}
	}
	for what, test := range map[string]struct {
		method, address, body string
		status                int
		says                  string
	}{
		"one too many":     {"POST", "/v1/jobs/reconstruct", `{"trial":"t1"}`, 429, "too-many-jobs"},
		"no scan":          {"POST", "/v1/jobs/reconstruct", `{"text":"something red"}`, 400, "wanted one scan or one stored trial"},
		"no such trial":    {"POST", "/v1/jobs/reconstruct", `{"trial":"x"}`, 404, "no stored trial"},
		"too short":        {"POST", "/v1/jobs/reconstruct", `{"voxels":[1,2]}`, 422, "scan-does-not-fit"},
		"unknown field":    {"POST", "/v1/jobs/reconstruct", `{"trial":"t1","x":1}`, 400, "unknown"},
		"candidates":       {"POST", "/v1/jobs/reconstruct?candidates=65", `{"trial":"t1"}`, 400, "candidates is wanted from 0 to 64"},
		"steps":            {"POST", "/v1/jobs/reconstruct?steps=x", `{"trial":"t1"}`, 400, "wanted a whole number"},
		"keep":             {"POST", "/v1/jobs/reconstruct?keep=perhaps", `{"trial":"t1"}`, 400, "wanted true or false"},
		"unknown kind":     {"POST", "/v1/jobs/play", `{}`, 405, "method-not-allowed"},
		"no job":           {"GET", "/v1/jobs/x", "", 404, "no-such-job"},
		"events of no job": {"GET", "/v1/jobs/x/events", "", 404, "no-such-job"},
		"files of no job":  {"GET", "/v1/jobs/x/files/picture.png", "", 404, "no-such-job"},
		"cancel of no job": {"DELETE", "/v1/jobs/x", "", 404, "no-such-job"},
	} {
		w := answerOf(s, here(test.method, test.address, test.body))
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.says) {
			t.Errorf("%s: status %d, %s, wanted %d and %q", what, w.Code, w.Body, test.status, test.says)
		}
		if test.status == http.StatusTooManyRequests && w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", what)
		}
	}
	for _, id := range []string{waiting.ID, running.ID} {
		if w := call(t, s, here(http.MethodDelete, "/v1/jobs/"+id, "")); w.Code != http.StatusAccepted {
			t.Errorf("cancel: status %d, %s", w.Code, w.Body)
		}
		seen := events(t, s, id, "")
		if end := seen[len(seen)-1]; end.State != jobs.Cancelled {
			t.Errorf("cancelled: %+v", end)
		}
		if w := call(t, s, here(http.MethodDelete, "/v1/jobs/"+id, "")); w.Code != http.StatusConflict {
			t.Errorf("cancel of what has ended: status %d", w.Code)
		}
	}
	if w := call(t, newServer(t, fakeOptions(t)), here(http.MethodPost, "/v1/jobs/reconstruct", `{"trial":"t1"}`)); w.Code != http.StatusNotImplemented {
		t.Errorf("a server without jobs: status %d", w.Code)
	}
}

// A client sees its own jobs, and an administrator all.
func TestJobsBelongToKeys(t *testing.T) {
	opts, secrets := guarded(t)
	fakeJobs(t, &opts, jobs.Options{})
	s := newServer(t, opts)
	as := func(role keys.Role, method, address, body string) *httptest.ResponseRecorder {
		r := here(method, address, body)
		r.Header.Set("Authorization", "Bearer "+secrets[role])
		return call(t, s, r)
	}
	var j jobView
	if err := json.Unmarshal(as(keys.Read, "POST", "/v1/jobs/reconstruct", `{"trial":"t1"}`).Body.Bytes(), &j); err != nil {
		t.Fatal(err)
	}
	for role, want := range map[keys.Role]int{keys.Read: 200, keys.Write: 404, keys.Admin: 200} {
		if w := as(role, "GET", "/v1/jobs/"+j.ID, ""); w.Code != want {
			t.Errorf("%s: status %d, want %d", role, w.Code, want)
		}
		if w := as(role, "GET", "/v1/jobs", ""); strings.Contains(w.Body.String(), j.ID) != (want == 200) {
			t.Errorf("%s lists %s", role, w.Body)
		}
	}
	if w := as(keys.Write, "DELETE", "/v1/jobs/"+j.ID, ""); w.Code != http.StatusNotFound {
		t.Errorf("cancel of another's job: status %d", w.Code)
	}
}

// A job that administrators ask for is begun again by them alone, also one of the client's own.
func TestRetryWantsTheRoleOfTheJob(t *testing.T) {
	opts, secrets := guarded(t)
	queue, err := jobs.Open(t.TempDir(), map[string]jobs.Kind{jobs.Build: {Run: func(context.Context, *jobs.Task) (any, error) {
		return nil, errors.New("the disk is full")
	}}}, jobs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer queue.Close()
	opts.Jobs = queue
	s := newServer(t, opts)
	for role, want := range map[keys.Role]int{keys.Read: 403, keys.Write: 403, keys.Admin: 202} {
		j, err := queue.Submit(jobs.Build, []byte("{}"), jobs.Terms{Owner: string(role), Keep: true})
		if err != nil {
			t.Fatal(err)
		}
		for !j.State.Ended() {
			var changed <-chan struct{}
			if j, changed, err = queue.Get(j.ID); err != nil {
				t.Fatal(err)
			}
			if !j.State.Ended() {
				<-changed
			}
		}
		r := here("POST", "/v1/jobs/"+j.ID+"/retry", "")
		r.Header.Set("Authorization", "Bearer "+secrets[role])
		if w := call(t, s, r); w.Code != want {
			t.Errorf("%s: status %d, %s, wanted %d", role, w.Code, w.Body, want)
		}
	}
}

// Many slow readers of events hold nothing up, and are bounded.
func TestReadersOfEventsAreBounded(t *testing.T) {
	opts := fakeOptions(t)
	next := fakeJobs(t, &opts, jobs.Options{})
	s := newServer(t, opts)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	j := submitted(t, s, "")
	var all sync.WaitGroup
	refused := make(chan int, mostReaders)
	for range 100 {
		all.Go(func() {
			response, err := http.Get(server.URL + "/v1/jobs/" + j.ID + "/events")
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			if response.StatusCode != http.StatusOK {
				refused <- response.StatusCode
			}
			time.Sleep(100 * time.Millisecond) // it reads nothing meanwhile
			lines, last := bufio.NewScanner(response.Body), ""
			for lines.Scan() {
				if strings.HasPrefix(lines.Text(), "data: ") {
					last = lines.Text()
				}
			}
			if !strings.Contains(last, `"state":"succeeded"`) {
				t.Errorf("a slow reader's last event is %s", last)
			}
		})
	}
	for range 3 {
		next <- struct{}{}
	}
	all.Wait()
	if len(refused) > 0 {
		t.Errorf("%d of 100 readers were refused", len(refused))
	}
	s.readers.Store(mostReaders)
	if w := call(t, s, here(http.MethodGet, "/v1/jobs/"+j.ID+"/events", "")); w.Code != http.StatusTooManyRequests {
		t.Errorf("a reader too many: status %d", w.Code)
	}
}
