package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"engram/cmd/engram/internal/app"
	"engram/embed/dataset"
	"engram/httpapi/jobs"
)

// workServer is a server with a workspace, which has the photos and the scans of an experiment.
type workServer struct {
	*testing.T
	spec    app.ServeSpec
	address string
	close   func()
}

func newWorkServer(t *testing.T) (*workServer, experiment) {
	t.Helper()
	c, lab := newCLI(t), newExperiment(t)
	dir := t.TempDir()
	work := filepath.Join(dir, "work")
	for _, name := range []string{"jobs", "work", "others"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(work, "photos"), os.DirFS(lab.photos)); err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]string{"voxels.npy": lab.voxels, "trials.csv": lab.trials} {
		content, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(work, name), content)
	}
	index := filepath.Join(dir, "index")
	c.must("index", "build", lab.photos, "--out", index)
	s := &workServer{T: t, spec: app.ServeSpec{Index: index, Jobs: filepath.Join(dir, "jobs"), Workspace: work, Collections: filepath.Join(dir, "others")}}
	s.open()
	t.Cleanup(func() { s.close() })
	return s, lab
}

// open opens the server, as after a restart.
func (s *workServer) open() {
	s.Helper()
	service, err := newConsole(s.T, io.Discard).app().OpenService(s.Context(), s.spec, nil)
	if err != nil {
		s.Fatal(err)
	}
	server := httptest.NewServer(service.Handler())
	s.address, s.close = server.URL, func() {
		server.Close()
		if err := service.Close(); err != nil {
			s.Error(err)
		}
	}
}

// run submits a job and returns what it is when it has ended.
func (s *workServer) run(kind, body string) (job jobs.Job) {
	s.Helper()
	exchangeJSON(s.T, &job, "POST", s.address+"/v1/jobs/"+kind, body)
	response, err := http.Get(s.address + "/v1/jobs/" + job.ID + "/events") // which end with the job
	if err != nil {
		s.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		s.Fatal(err)
	}
	exchangeJSON(s.T, &job, "GET", s.address+"/v1/jobs/"+job.ID, "")
	return job
}

// finds fails unless a subject's scan, a row of the experiment, finds a photo first.
func (s *workServer) finds(subject, scan, photo string) {
	s.Helper()
	var got searchAnswer
	exchangeJSON(s.T, &got, "POST", s.address+"/v1/subjects/"+subject+"/search?k=1", scan)
	if got.Hits[0].Payload["path"] != photo {
		s.Errorf("a scan of %s finds %v, wanted %s", subject, got.Hits[0].Payload["path"], photo)
	}
}

// scanJSON returns rows of the experiment's scans as the body of a search.
func scanJSON(t *testing.T, path string, rows ...int) string {
	t.Helper()
	found, err := dataset.Rows(path, "", rows)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{"voxels": found})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A job trains a decoder from files of the workspace, and the server has its subject at once
// and after a restart.
func TestAJobTrainsADecoder(t *testing.T) {
	s, lab := newWorkServer(t)
	job := s.run("train", `{"subject":"subj07","voxels":"voxels.npy","trials":"trials.csv","stimuli":"photos","preset":"linear"}`)
	if job.State != jobs.Succeeded || !strings.Contains(string(job.Result), `"subject":"subj07","decoder":"decoders/subj07-`) || !strings.Contains(string(job.Result), `"trials":32`) {
		t.Fatalf("the job is %+v, %s", job, job.Result)
	}
	scan := scanJSON(t, lab.voxels, 6, 22)
	s.finds("subj07", scan, "p12.png")
	s.run("train", `{"subject":"subj07","voxels":"voxels.npy","trials":"trials.csv","stimuli":"photos","preset":"linear","seed":2}`) // it is replaced
	s.finds("subj07", scan, "p12.png")
	var open struct {
		Models []struct{ Use, Subject string }
	}
	if exchangeJSON(t, &open, "GET", s.address+"/v1/models", ""); len(open.Models) != 4 || open.Models[3].Subject != "subj07" {
		t.Errorf("the models are %+v, wanted three and the last decoder", open.Models)
	}
	s.close()
	s.open()
	s.finds("subj07", scan, "p12.png")
	table, err := os.ReadFile(filepath.Join(s.spec.Workspace, "subjects.csv"))
	if err != nil || strings.Count(string(table), "\n") != 2 || !strings.Contains(string(table), "subj07,decoders/subj07-") {
		t.Errorf("the table of subjects is %q, %v", table, err)
	}
}

// A server has read what searches by scan need before the first of them: it takes no time of that,
// and the files may be gone.
func TestScansAreSearchedWithoutTheDecodersFiles(t *testing.T) {
	s, lab := newWorkServer(t)
	job := s.run("train", `{"subject":"subj07","voxels":"voxels.npy","trials":"trials.csv","stimuli":"photos","preset":"gaussian"}`)
	if job.State != jobs.Succeeded {
		t.Fatalf("the job is %+v", job)
	}
	weights, err := filepath.Glob(filepath.Join(s.spec.Workspace, "decoders", "subj07-*", "weights.safetensors"))
	if err != nil || len(weights) != 1 {
		t.Fatalf("the weights are %q, %v", weights, err)
	}
	if err := os.Remove(weights[0]); err != nil {
		t.Fatal(err)
	}
	s.finds("subj07", scanJSON(t, lab.voxels, 6, 22), "p12.png")
}

// A job calibrates a new subject from scans that are sent with the items that were seen.
func TestAJobCalibratesASubject(t *testing.T) {
	s, lab := newWorkServer(t)
	var items struct {
		Items []struct {
			ID      string
			Payload map[string]any
		}
	}
	exchangeJSON(t, &items, "GET", s.address+"/v1/items?limit=100", "")
	ids := map[string]string{}
	for _, item := range items.Items {
		ids[item.Payload["path"].(string)] = item.ID
	}
	seen, err := dataset.Column(lab.trials, "image")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]int{}
	for row, path := range seen.Values {
		rows[path] = append(rows[path], row)
	}
	var scans []string
	for path, of := range rows {
		scans = append(scans, `{"item":"`+ids[path]+`",`+scanJSON(t, lab.voxels, of...)[1:])
	}
	body := `{"subject":"subj08","preset":"linear","scans":[` + strings.Join(scans, ",") + `]}`
	job := s.run("calibrate", body)
	if job.State != jobs.Succeeded || !strings.Contains(string(job.Result), `"trials":32`) {
		t.Fatalf("the job is %+v, %s", job, job.Result)
	}
	if _, err := os.Stat(filepath.Join(s.spec.Jobs, job.ID, "request")); !os.IsNotExist(err) {
		t.Errorf("the scans of a job that has ended are still there: %v", err)
	}
	s.finds("subj08", scanJSON(t, lab.voxels, rows[seen.Values[3]]...), seen.Values[3])

	failed := s.run("calibrate", strings.Replace(body, `"item":"`+ids["p12.png"], `"item":"7`, 1))
	if failed.State != jobs.Failed || !strings.Contains(failed.Error, "has no item 7") {
		t.Errorf("an item that is not there: %+v", failed)
	}
}

// A job builds a collection of a folder in the workspace, which is served at once.
func TestAJobBuildsACollection(t *testing.T) {
	s, _ := newWorkServer(t)
	job := s.run("build", `{"collection":"copies","source":"photos"}`)
	if job.State != jobs.Succeeded || !strings.Contains(string(job.Result), `"stored":16`) {
		t.Fatalf("the job is %+v, %s", job, job.Result)
	}
	var got struct{ Count int }
	exchangeJSON(t, &got, "GET", s.address+"/v1/collections/copies", "")
	if got.Count != 16 {
		t.Errorf("the collection has %d items, wanted 16", got.Count)
	}
	if err := os.Remove(filepath.Join(s.spec.Workspace, "photos", "p12.png")); err != nil {
		t.Fatal(err)
	}
	if job := s.run("build", `{"collection":"copies","source":"photos","prune":true}`); job.State != jobs.Succeeded {
		t.Fatalf("the job is %+v", job)
	}
	if exchangeJSON(t, &got, "GET", s.address+"/v1/collections/copies", ""); got.Count != 15 {
		t.Errorf("the collection has %d items after another build, wanted 15", got.Count)
	}
}

// Jobs of administrators reach no file outside the workspace.
func TestWorkThatIsRefused(t *testing.T) {
	s, _ := newWorkServer(t)
	outside := filepath.Join(filepath.Dir(s.spec.Workspace), "secret")
	if err := os.Mkdir(outside, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(s.spec.Workspace, "link")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		kind, body, want string
		status           int
	}{
		{"build", `{"collection":"a","source":"../secret"}`, "wanted the name of a file in the workspace", 422},
		{"build", `{"collection":"a","source":"link"}`, "no link that leads out of it", 422},
		{"build", `{"collection":"a","source":"` + outside + `"}`, "wanted the name of a file in the workspace", 422},
		{"build", `{"collection":"a","source":"nothing"}`, "no such file", 422},
		{"build", `{"collection":"../a","source":"photos"}`, "collection is", 422},
		{"build", `{"collection":"a"}`, "wanted the source", 422},
		{"build", `{"collection":"index","source":"photos"}`, "the server's own index", 422},
		{"build", `{"collection":"a","source":"photos","out":"x"}`, "out", 400},
		{"build", `{"collection":"a","source":"photos","model":"../secret"}`, "wanted the name of a file", 422},
		{"train", `{"subject":"a/b","voxels":"voxels.npy","stimuli":"photos"}`, "subject is", 422},
		{"train", `{"subject":"s","stimuli":"photos"}`, "wanted voxels", 422},
		{"train", `{"subject":"s","voxels":"voxels.npy","stimuli":"photos","preset":"magic"}`, "preset is", 422},
		{"train", `{"subject":"s","voxels":"voxels.npy","stimuli":"photos","epochs":-1}`, "epochs", 422},
		{"calibrate", `{"subject":"s","scans":[]}`, "scans of 0 images", 400},
		{"calibrate", `{"subject":"s","scans":[{"item":"1","voxels":[1,2]},{"item":"2","voxels":[1,2,3]},{"item":"3","voxels":[1,2]}]}`, "scan 2: repeat 0 has 3 voxels, the first scan 2", 422},
		{"calibrate", `{"subject":"s","scans":[{"item":"1","voxels":[]},{"item":"2","voxels":[]},{"item":"3","voxels":[]}]}`, "no voxels", 422},
		{"calibrate", `{"subject":"s","scans":[{"item":"1"},{"item":"2"},{"item":"3"}]}`, "no item or no voxels", 400},
	} {
		response, err := http.Post(s.address+"/v1/jobs/"+test.kind, "application/json", strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != test.status || !strings.Contains(string(text), test.want) || strings.Contains(string(text), s.spec.Workspace) {
			t.Errorf("%s %s: status %d, %s, wanted %d and %q", test.kind, test.body, response.StatusCode, text, test.status, test.want)
		}
	}
	var list struct{ Jobs []jobs.Job }
	if exchangeJSON(t, &list, "GET", s.address+"/v1/jobs", ""); len(list.Jobs) != 0 {
		t.Errorf("jobs were queued: %+v", list.Jobs)
	}
}

// A build of a collection that others ask for meanwhile, on a server that writes, is not in their
// way and they are not in its.
func TestAJobBuildsWhatOthersAskFor(t *testing.T) {
	s, _ := newWorkServer(t)
	s.close()
	s.spec.Writable = true
	s.open()
	s.run("build", `{"collection":"copies","source":"photos"}`)
	done := make(chan struct{})
	var asking sync.WaitGroup
	for range 3 {
		asking.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				response, err := http.Get(s.address + "/v1/collections/copies/items")
				if err != nil {
					t.Error(err)
					return
				}
				response.Body.Close()
				if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusConflict && response.StatusCode != http.StatusServiceUnavailable {
					t.Errorf("items: status %d", response.StatusCode)
				}
			}
		})
	}
	for range 4 {
		if job := s.run("build", `{"collection":"copies","source":"photos"}`); job.State != jobs.Succeeded {
			t.Errorf("the job is %+v", job)
		}
	}
	close(done)
	asking.Wait()
}

// A subject of the workspace that the operator names too is the operator's.
func TestSubjectsOfTheWorkspaceThatAreNamedTwice(t *testing.T) {
	s, lab := newWorkServer(t)
	s.run("train", `{"subject":"subj07","voxels":"voxels.npy","trials":"trials.csv","stimuli":"photos","preset":"linear"}`)
	folders, err := filepath.Glob(filepath.Join(s.spec.Workspace, "decoders", "subj07-*"))
	if err != nil || len(folders) != 1 {
		t.Fatalf("decoders: %q, %v", folders, err)
	}
	s.close()
	s.spec.SubjectSpec = app.SubjectSpec{ID: "subj07", Decoder: folders[0]}
	s.open()
	s.finds("subj07", scanJSON(t, lab.voxels, 6, 22), "p12.png")
	var list struct{ Subjects []struct{ ID string } }
	if exchangeJSON(t, &list, "GET", s.address+"/v1/subjects", ""); len(list.Subjects) != 1 {
		t.Errorf("the subjects are %+v, wanted one", list)
	}
}
