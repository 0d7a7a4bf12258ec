package app

import (
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"engram/data/vfs"
	"engram/httpapi"
	"engram/httpapi/jobs"
)

// Names in a workspace.
const (
	subjectsFile   = "subjects.csv" // the subjects that jobs made, as a table of --subjects
	decodersFolder = "decoders"     // their decoders
)

// workLane is of the jobs of administrators, which may take hours: visitors' reconstructions do
// not wait for them.
const workLane = "workspace"

// workspace is a folder whose files the jobs of administrators read, and in which they write
// decoders. Clients name files relative to it, and reach no other ones.
type workspace struct {
	dir         string
	app         *App
	collections *collections // nil: nothing is built
	opening     *subjectOpening
	indexName   string // of the server's own index
	model       string // folder of the model of images where a job names none; "": nobody knows one

	server chan *httpapi.Server // has the server once it is made, for the jobs that began before

	mu   sync.Mutex
	made map[string]*madeSubject // by id
}

// openWorkspace opens the workspace of jobs, with the subjects that jobs made before.
func (s *Service) openWorkspace(ctx context.Context, spec ServeSpec, opening *subjectOpening, others *collections, opts *httpapi.Options) error {
	if spec.Jobs == "" {
		return errors.New("--workspace is for jobs, wanted --jobs with a folder for them")
	}
	if err := vfs.MkdirAll(spec.Workspace, 0o755); err != nil {
		return err
	}
	a := *opening.app
	a.opts.Notify = func(line string) { a.opts.Logger.Info(line) } // nobody sits at the command
	s.work = &workspace{dir: spec.Workspace, app: &a, collections: others, opening: opening, indexName: opts.IndexName, server: make(chan *httpapi.Server, 1), made: map[string]*madeSubject{}}
	if s.encoder != nil {
		s.work.model = s.encoder.Model().Dir()
	}
	s.opened = append(s.opened, s.work)
	known, err := readSubjects(filepath.Join(spec.Workspace, subjectsFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, of := range known { // one that is odd costs only itself
		err := s.work.checkSubject(of.ID)
		if err == nil && s.work.made[of.ID] != nil {
			err = errors.New("it is there twice")
		}
		var made *madeSubject
		if err == nil {
			made, err = s.work.open(ctx, of)
		}
		if err != nil {
			s.note(slog.LevelWarn, "%s: left out: subject %s: %v", filepath.Join(spec.Workspace, subjectsFile), of.ID, err)
			continue
		}
		s.work.made[of.ID] = made
		opening.decoders.put(of.ID, made.decoder)
		opts.Subjects = append(opts.Subjects, made.subject)
	}
	return nil
}

// Close closes the decoders that jobs made.
func (w *workspace) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var faults error
	for _, made := range w.made {
		faults = errors.Join(faults, made.Close())
	}
	return faults
}

// kinds adds what jobs can do here.
func (w *workspace) kinds(to map[string]jobs.Kind) {
	to[jobs.Train] = jobs.Kind{Lane: workLane, Check: w.checkTraining, Run: w.withoutPlaces(w.train)}
	to[jobs.Calibrate] = jobs.Kind{Lane: workLane, Check: w.checkCalibration, Run: w.withoutPlaces(w.calibrate)}
	if w.collections != nil {
		to[jobs.Build] = jobs.Kind{Lane: workLane, Check: w.checkBuilding, Run: w.withoutPlaces(w.build)}
	}
}

// withoutPlaces returns a Run whose errors, which clients read, do not say where the workspace and
// the collections lie. The log has them as they are.
func (w *workspace) withoutPlaces(run func(context.Context, *jobs.Task) (any, error)) func(context.Context, *jobs.Task) (any, error) {
	return func(ctx context.Context, t *jobs.Task) (any, error) {
		result, err := run(ctx, t)
		if err == nil || ctx.Err() != nil {
			return result, err
		}
		w.app.opts.Logger.Error("a job failed", "reason", err)
		text := strings.ReplaceAll(err.Error(), w.dir+string(filepath.Separator), "")
		if w.collections != nil {
			text = strings.ReplaceAll(text, w.collections.folder+string(filepath.Separator), "")
		}
		return nil, errors.New(text)
	}
}

// path returns where a file lies that a client names, "" for none. It refuses what is not in
// the workspace, also where the name is a link. Links inside a folder are followed: whoever may
// write into the workspace decides what is read.
func (w *workspace) path(field, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	root, err := os.OpenRoot(w.dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	local := filepath.FromSlash(name)
	if _, err := root.Stat(local); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%s is %q, and the workspace has no such file: %w", field, name, jobs.ErrRequest)
		}
		return "", fmt.Errorf("%s is %q, wanted the name of a file in the workspace, and no link that leads out of it: %w", field, name, jobs.ErrRequest)
	}
	return filepath.Join(w.dir, local), nil
}

// modelName returns the model that a client names: one by its name, or a folder in the
// workspace.
func (w *workspace) modelName(name string) (string, error) {
	if isPath(name) && !isHub(name) {
		return w.path("model", name)
	}
	return cmp.Or(name, w.model), nil
}

// checkSubject refuses what cannot be the id of a new subject.
func (w *workspace) checkSubject(id string) error {
	if !httpapi.ValidName(id) {
		return fmt.Errorf("subject is %.100q, wanted up to 100 letters, digits, points, hyphens and underscores, the first a letter or a digit: %w", id, jobs.ErrRequest)
	}
	if slices.Contains(w.opening.fixed, id) {
		return fmt.Errorf("the server was started with a subject %q, wanted another id: %w", id, jobs.ErrRequest)
	}
	return nil
}

// newDecoder returns the folder of a decoder that is to be made: a new one each time, so that
// the one that is served stays as it is.
func (w *workspace) newDecoder(subject string) string {
	at := strings.ReplaceAll(time.Now().UTC().Format("20060102T150405.000"), ".", "")
	return filepath.Join(w.dir, decodersFolder, subject+"-"+at)
}

// serve serves a subject whose decoder has been made, and writes it into the table of the
// workspace, by which a restart serves it again. The files of spec lie in the workspace.
func (w *workspace) serve(ctx context.Context, spec SubjectSpec) error {
	var server *httpapi.Server
	select {
	case server = <-w.server:
		w.server <- server
	case <-ctx.Done():
		return ctx.Err()
	}
	made, err := w.open(ctx, spec)
	if err != nil {
		return err
	}
	if err := server.PutSubject(made.subject); err != nil {
		return errors.Join(err, made.Close())
	}
	w.mu.Lock()
	old := w.made[spec.ID]
	w.made[spec.ID] = made
	w.opening.decoders.put(spec.ID, made.decoder)
	w.mu.Unlock()
	if old != nil {
		if err := old.Close(); err != nil {
			return err
		}
	}
	return w.remember(spec)
}

// list returns the decoders that jobs have made.
func (w *workspace) list() (all []httpapi.Model) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(w.made)) {
		all = append(all, w.made[id].models...)
	}
	return all
}

// remember writes a subject into the table of the workspace, over an earlier line of it.
func (w *workspace) remember(spec SubjectSpec) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	path := filepath.Join(w.dir, subjectsFile)
	known, err := readSubjects(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	known = slices.DeleteFunc(known, func(s SubjectSpec) bool { return s.ID == spec.ID })
	return vfs.WriteFile(path, func(to io.Writer) error { return writeSubjects(to, w.dir, append(known, spec)) })
}

// writeSubjects writes a table of subjects whose files lie relative to dir, where they are in it.
func writeSubjects(to io.Writer, dir string, list []SubjectSpec) error {
	table := csv.NewWriter(to)
	columns := []string{"subject", "decoder", "voxels", "mask", "labels", "regions", "trials", "column"}
	rows := [][]string{columns}
	for _, s := range list {
		cells, fields := make([]string, len(columns)), s.subjectColumns()
		for i, name := range columns {
			cells[i] = *fields[name]
			if relative, err := filepath.Rel(dir, cells[i]); err == nil && filepath.IsLocal(relative) && isSubjectFile(name) && cells[i] != "" {
				cells[i] = filepath.ToSlash(relative)
			}
		}
		rows = append(rows, cells)
	}
	return table.WriteAll(rows)
}

// readWork reads what a job is asked.
func readWork[T any](request []byte) (ask T, err error) {
	err = json.Unmarshal(request, &ask)
	return ask, err
}
