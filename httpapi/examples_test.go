package httpapi

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"engram/embed/dataset"
	"engram/httpapi/jobs"
	"engram/index"
	"engram/index/local"

	"github.com/getkin/kin-openapi/openapi3"
)

// specified is an operation of openapi.yaml at its place.
type specified struct {
	path, method string
	op           *openapi3.Operation
	parameters   []*openapi3.Parameter // those of the path too
}

// operationsOf returns the operations of a document by their ids.
func operationsOf(doc *openapi3.T) map[string]specified {
	all := map[string]specified{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			found := specified{path: path, method: method, op: op}
			for _, p := range append(slices.Clone(item.Parameters), op.Parameters...) {
				found.parameters = append(found.parameters, p.Value)
			}
			all[op.OperationID] = found
		}
	}
	return all
}

// exampleOf returns the value that the document shows of a parameter: its example, or what
// it is by default. JSON in an address is returned as its text.
func exampleOf(p *openapi3.Parameter) (string, bool) {
	if media := p.Content.Get("application/json"); media != nil {
		text, err := json.Marshal(media.Example)
		return string(text), media.Example != nil && err == nil
	}
	value := p.Example
	if value == nil && p.Schema != nil {
		value = p.Schema.Value.Default
	}
	return fmt.Sprint(value), value != nil
}

// exampleRequest is a request that the document shows.
type exampleRequest struct {
	name            string
	query           url.Values
	mediaType, body string
}

// isFile reports whether a request's body is a file, or a form.
func (r exampleRequest) isFile() bool { return r.mediaType != "" && r.mediaType != "application/json" }

// neededBy names the parameters that are refused without another one.
var neededBy = map[string]string{"mmr_candidates": "mmr", "group_size": "group_by"}

// requests returns what the document shows of an operation: each body, then each option
// of the address with the shortest body. What it ought to show and does not is an error.
func (o specified) requests() (list []exampleRequest, err error) {
	bodies := []exampleRequest{{name: "plain"}}
	if o.op.RequestBody != nil {
		if bodies, err = o.bodies(); err != nil {
			return nil, err
		}
	}
	options := map[string]string{}
	for _, p := range o.parameters {
		value, ok := exampleOf(p)
		switch {
		case !ok && p.In == "query" && p.Name == "after" && p.Schema.Ref == "":
			continue // only an answer has it
		case !ok:
			return nil, fmt.Errorf("%s: the parameter %s has neither an example nor a default", o.op.OperationID, p.Name)
		case p.In == "query":
			options[p.Name] = value
		}
	}
	list = bodies
	shortest := slices.MinFunc(slices.DeleteFunc(slices.Clone(bodies), exampleRequest.isFile), func(a, b exampleRequest) int { return len(a.body) - len(b.body) })
	for _, name := range slices.Sorted(maps.Keys(options)) {
		next := shortest
		next.name, next.query = "option "+name, url.Values{name: {options[name]}}
		if needed, ok := neededBy[name]; ok {
			next.query.Set(needed, options[needed])
		}
		if name == "kind" { // of a body that does not say itself what it is
			of := map[string]string{} // files by their kind
			for _, b := range bodies {
				if b.mediaType == "application/octet-stream" {
					of[cmp.Or(b.query.Get(name), "scan")] = b.body
				}
			}
			next.mediaType, next.body = "application/octet-stream", of[options[name]]
		}
		list = append(list, next)
	}
	return list, nil
}

// bodies returns the examples of an operation's body. Each media type has some.
func (o specified) bodies() (list []exampleRequest, err error) {
	content := o.op.RequestBody.Value.Content
	for _, mediaType := range slices.Sorted(maps.Keys(content)) {
		examples := content[mediaType].Examples
		if len(examples) == 0 {
			return nil, fmt.Errorf("%s has a body of type %s without an example", o.op.OperationID, mediaType)
		}
		for _, name := range slices.Sorted(maps.Keys(examples)) {
			r, err := exampleBody(mediaType, examples[name].Value)
			if err != nil {
				return nil, fmt.Errorf("%s: the example %s: %w", o.op.OperationID, name, err)
			}
			r.name = mediaType + " " + name
			list = append(list, r)
		}
	}
	return list, nil
}

// exampleBody returns the request that an example of a body stands for.
func exampleBody(mediaType string, e *openapi3.Example) (r exampleRequest, err error) {
	if options, ok := e.Extensions["x-query"].(map[string]any); ok {
		r.query = url.Values{}
		for name, value := range options {
			r.query.Set(name, fmt.Sprint(value))
		}
	}
	switch {
	case e.ExternalValue != "":
		var raw []byte
		r.mediaType, raw, err = readDataURI(e.ExternalValue)
		r.body = string(raw)
	case mediaType == "multipart/form-data":
		r.mediaType, r.body, err = exampleForm(e.Value)
	default:
		var text []byte
		text, err = json.Marshal(e.Value)
		r.mediaType, r.body = "application/json", string(text) // of */* too, as clients of clip-retrieval send it
	}
	return r, err
}

// exampleForm returns the form that an example shows, its fields in the order of their names.
func exampleForm(value any) (mediaType, body string, err error) {
	fields, ok := value.(map[string]any)
	if !ok {
		return "", "", fmt.Errorf("%v is no form", value)
	}
	var out strings.Builder
	form := multipart.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		for _, value := range listOf(fields[name]) {
			content := []byte(fmt.Sprint(value))
			header := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf("form-data; name=%q", name)}}
			if strings.HasPrefix(string(content), "data:") {
				var given string
				if given, content, err = readDataURI(string(content)); err != nil {
					return "", "", err
				}
				header = textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf("form-data; name=%q; filename=%q", name, "file")}, "Content-Type": {given}}
			}
			part, err := form.CreatePart(header)
			if err != nil {
				return "", "", err
			}
			if _, err := part.Write(content); err != nil {
				return "", "", err
			}
		}
	}
	err = form.Close()
	return form.FormDataContentType(), out.String(), err
}

// address returns where an operation is, with the examples of what is in the path.
func (o specified) address(query url.Values) string {
	path := o.path
	for _, p := range o.parameters {
		if value, ok := exampleOf(p); ok && p.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// anyWords embeds any words: the same ones always alike.
func anyWords(ctx context.Context, text string) ([]float32, bool, error) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text)) // it never fails
	sum := h.Sum32()
	return []float32{float32(sum%251) + 1, float32(sum>>8%251) + 1, float32(sum>>16%251) + 1}, false, ctx.Err()
}

// exampleItems fills an index with what the examples name.
func exampleItems(t *testing.T, opts Options, dir string) index.Store {
	t.Helper()
	store, err := local.Create(dir, local.Options{Dim: 3, Space: opts.Encoder.Space})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	var items []index.Item
	for i, id := range []index.ID{7, 42, 43, 44, 45, 46} {
		category := []string{"dog", "zebra"}[i%2]
		items = append(items, index.Item{ID: id, Vector: []float32{1, float32(i) / 4, float32(i%3) / 2}, Payload: index.Payload{
			"path": "red.png", "caption": "a " + category, "categories": []string{category, "animal"}, "width": int64(600 + 100*i),
		}})
	}
	if err := store.Upsert(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	return store
}

// exampleJob opens a queue with one job: it has succeeded and made a file, or it waits.
func exampleJob(t *testing.T, id, file string, state jobs.State) *jobs.Queue {
	t.Helper()
	dir, now := t.TempDir(), time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)
	j := jobs.Job{ID: id, Kind: jobs.Reconstruct, State: state, Created: now, Version: 1}
	if state.Ended() {
		j.Started, j.Ended, j.Files, j.Version = &now, &now, []string{file}, 3
	}
	record, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, id, "files"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"job.json": record, "request": []byte("{}"), "files/" + file: flatPNG(t, colours[red])} {
		if err := os.WriteFile(filepath.Join(dir, id, filepath.FromSlash(name)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	untilCancelled := func(ctx context.Context, _ *jobs.Task) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	kinds := map[string]jobs.Kind{}
	for _, kind := range []string{jobs.Reconstruct, jobs.Train, jobs.Calibrate, jobs.Build} {
		kinds[kind] = jobs.Kind{Run: untilCancelled}
	}
	queue, err := jobs.Open(dir, kinds, jobs.Options{Fault: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := queue.Close(); err != nil {
			t.Error(err)
		}
	})
	return queue
}

// exampleServer returns a server that has what the examples of an operation name.
func exampleServer(t *testing.T, operation string) *Server {
	t.Helper()
	opts := fakeOptions(t)
	opts.Text.Encode, opts.Writable = anyWords, true
	opts.Decoder.Brain = fakeBrain(t)
	opts.Trials[0].ID, opts.Trials[0].Item = "test-001", nil
	opts.Decoder.Volumes = allOf(t, 5, 1, 1)
	another := firstThree(opts.Decoder.Space)
	another.Brain, another.Mask, another.Volumes = fakeBrain(t), []byte("\x1f\x8b and so on"), opts.Decoder.Volumes
	opts.SubjectID, opts.Subjects = "subj01", []Subject{{ID: "subj02", Decoder: another, Trials: opts.Trials}}
	opts.Store = exampleItems(t, opts, filepath.Join(t.TempDir(), "index"))
	folder := &folderOf{dir: t.TempDir(), like: opts, opened: map[string]*Collection{}}
	if operation != "createCollection" {
		folder.opened["birds"] = &Collection{Store: exampleItems(t, opts, filepath.Join(folder.dir, "birds")), Images: opts.Images, Encoder: opts.Encoder, Text: opts.Text}
	}
	opts.Collections = folder
	copied := filepath.Join(t.TempDir(), "copy")
	opts.Snapshot = func(ctx context.Context, name string, store index.Store) (string, error) {
		return name + "-1", store.(index.Snapshotter).Snapshot(ctx, copied)
	}
	state := jobs.Succeeded
	switch operation {
	case "cancelJob":
		state = jobs.Queued
	case "retryJob":
		state = jobs.Failed
	}
	opts.Jobs = exampleJob(t, "0a1b2c3d4e5f6071", "picture.png", state)
	return newServer(t, opts)
}

// allOf reads volumes by a mask that chooses all voxels of a box.
func allOf(t *testing.T, x, y, z int) func(file []byte) ([][]float32, error) {
	t.Helper()
	mask := writeFile(t, "mask.nii.gz", volumeFile(t, "mask.nii.gz", []int{x, y, z}, slices.Repeat([]float32{1}, x*y*z)...))
	read, err := dataset.Anatomy{Mask: mask}.Volumes(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// Every example of openapi.yaml is a request that a server grants, with an answer as
// specified; a search finds something.
func TestExamplesOfTheSpecificationRun(t *testing.T) {
	all := operationsOf(openSpecification(t).doc)
	for _, id := range slices.Sorted(maps.Keys(all)) {
		requests, err := all[id].requests()
		if err != nil {
			t.Error(err)
			continue
		}
		t.Run(id, func(t *testing.T) {
			s := exampleServer(t, id)
			for _, example := range requests {
				r := here(all[id].method, all[id].address(example.query), example.body)
				if example.mediaType != "" {
					r.Header.Set("Content-Type", example.mediaType)
				}
				w := call(t, s, r)
				if w.Code < 200 || w.Code > 299 {
					t.Errorf("%s: %s %s %.300s: status %d, %s", example.name, r.Method, r.URL, example.body, w.Code, w.Body)
				}
				if findsNothing(w.Body.String()) {
					t.Errorf("%s: %s %s %.300s finds nothing: %s", example.name, r.Method, r.URL, example.body, w.Body)
				}
			}
		})
	}
}

// findsNothing tells whether an answer has a list of hits or items that is empty.
func findsNothing(answer string) bool {
	return strings.Contains(answer, `"hits":[]`) || strings.Contains(answer, `"items":[]`) || strings.TrimSpace(answer) == "[]"
}

// What openapi.yaml ought to show and does not is found.
func TestMissingExamplesAreFound(t *testing.T) {
	for want, without := range map[string]func(op *openapi3.Operation){
		"has a body of type application/json without an example":         func(op *openapi3.Operation) { op.RequestBody.Value.Content["application/json"].Examples = nil },
		"has a body of type application/octet-stream without an example": func(op *openapi3.Operation) { op.RequestBody.Value.Content["application/octet-stream"].Examples = nil },
		"https://example.org/scan.npy\" is no data URI": func(op *openapi3.Operation) {
			op.RequestBody.Value.Content["application/x-npy"].Examples["repeats"].Value.ExternalValue = "https://example.org/scan.npy"
		},
		"the parameter seed has neither": func(op *openapi3.Operation) {
			seed := op.Parameters.GetByInAndName("query", "seed")
			seed.Example, seed.Schema.Value.Default = nil, nil
		},
	} {
		raw, err := files.ReadFile("openapi.yaml")
		if err != nil {
			t.Fatal(err)
		}
		doc, err := openapi3.NewLoader().LoadFromData(raw) // of its own: it is changed
		if err != nil {
			t.Fatal(err)
		}
		op := operationsOf(doc)["submitReconstruction"]
		without(op.op)
		if _, err := op.requests(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the fault is %v, want %q", err, want)
		}
	}
}
