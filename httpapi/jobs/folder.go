package jobs

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"

	"engram/data/vfs"
)

// Names in the folder of the queue, and of a job.
const (
	lockFile    = ".lock"
	recordFile  = "job.json"
	requestFile = "request"
	filesFolder = "files"
)

var (
	idForm   = regexp.MustCompile(`^[0-9a-f]{16}$`)
	nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,63}$`)
)

func (q *Queue) path(id string, parts ...string) string {
	return filepath.Join(append([]string{q.dir, id}, parts...)...)
}

// load reads the jobs that are there.
func (q *Queue) load() error {
	folders, err := os.ReadDir(q.dir)
	if err != nil {
		return err
	}
	var begun []*entry
	for _, folder := range folders {
		if !folder.IsDir() || !idForm.MatchString(folder.Name()) {
			continue // not ours
		}
		e, err := q.read(folder.Name())
		if err != nil {
			q.fault(fmt.Errorf("left out: %w", err)) // an odd one costs only itself
			continue
		}
		q.jobs[e.job.ID] = e
		if !e.job.State.Ended() {
			begun = append(begun, e)
		}
	}
	slices.SortFunc(begun, func(a, b *entry) int { return a.job.Created.Compare(b.job.Created) })
	for _, e := range begun {
		if e.job.Cancelling {
			q.end(e, Cancelled, nil, nil)
			continue
		}
		if e.job.Tries >= mostTries {
			q.end(e, Interrupted, nil, fmt.Errorf("the server died %d times in this job", e.job.Tries))
			continue
		}
		q.change(e, func(j *Job) { j.State, j.Stage, j.Done, j.Total = Queued, "", 0, 0 })
		q.enqueue(e)
	}
	return nil
}

// read reads the record of a job.
func (q *Queue) read(id string) (*entry, error) {
	text, err := os.ReadFile(q.path(id, recordFile))
	if err != nil {
		return nil, err
	}
	e := &entry{changed: make(chan struct{})}
	if err := json.Unmarshal(text, &e.job); err != nil || e.job.ID != id {
		return nil, fmt.Errorf("%s is damaged", q.path(id, recordFile))
	}
	if e.job.Result != nil { // the record has it with line breaks
		var line bytes.Buffer
		if err := json.Compact(&line, e.job.Result); err != nil {
			return nil, err
		}
		e.job.Result = line.Bytes()
	}
	return e, nil
}

// create makes the folder of a job.
func (q *Queue) create(j Job, request []byte) error {
	err := vfs.MkdirAll(q.path(j.ID, filesFolder), 0o700)
	if err == nil {
		err = writeFile(q.path(j.ID, requestFile), request)
	}
	if err == nil {
		err = q.write(j)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("jobs: %w", err), os.RemoveAll(q.path(j.ID)))
	}
	return nil
}

// write writes the record of a job.
func (q *Queue) write(j Job) error {
	text, err := json.MarshalIndent(j, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(q.path(j.ID, recordFile), append(text, '\n'))
}

// keep writes the record of a job that has ended, and forgets what it was asked unless that
// is to stay.
func (q *Queue) keep(j Job) error {
	err := q.write(j)
	if j.Keep {
		return err
	}
	if gone := os.Remove(q.path(j.ID, requestFile)); !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}

// forget keeps the Options.Kept jobs that ended last, and removes the other ended jobs.
func (q *Queue) forget() (err error) {
	var ended []*entry
	for _, e := range q.jobs {
		if e.job.State.Ended() {
			ended = append(ended, e)
		}
	}
	slices.SortFunc(ended, func(a, b *entry) int {
		return cmp.Or(b.job.Ended.Compare(*a.job.Ended), cmp.Compare(a.job.ID, b.job.ID))
	})
	for _, e := range ended[min(len(ended), q.opts.Kept):] {
		delete(q.jobs, e.job.ID)
		err = errors.Join(err, os.RemoveAll(q.path(e.job.ID)))
	}
	return err
}

// request reads what a job was asked.
func (q *Queue) request(id string) ([]byte, error) {
	return os.ReadFile(q.path(id, requestFile))
}

// save keeps a file of a job. Clients read its error, which does not say where jobs lie; the
// queue's Fault is told that.
func (q *Queue) save(e *entry, name string, content []byte) error {
	if !nameForm.MatchString(name) {
		return fmt.Errorf("jobs: a file is named %q, wanted letters, digits, points and hyphens", name)
	}
	if err := writeFile(q.path(e.job.ID, filesFolder, name), content); err != nil {
		q.fault(err)
		if cause, ok := errors.AsType[syscall.Errno](err); ok {
			err = cause
		}
		return fmt.Errorf("%s cannot be kept: %w", name, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.change(e, func(j *Job) {
		if !slices.Contains(j.Files, name) {
			j.Files = append(j.Files, name)
		}
	})
	return nil
}

// File reads a file that a job made. It fails with ErrNone or ErrNoFile.
func (q *Queue) File(id, name string) ([]byte, error) {
	j, _, err := q.Get(id)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(j.Files, name) {
		return nil, ErrNoFile
	}
	content, err := os.ReadFile(q.path(id, filesFolder, name))
	if errors.Is(err, fs.ErrNotExist) { // forgotten just now, or removed by somebody
		return nil, ErrNoFile
	}
	return content, err
}

func writeFile(path string, content []byte) error {
	return vfs.WriteFile(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}
