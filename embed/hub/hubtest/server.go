package hubtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Server plays the hub.
type Server struct {
	// URL is the endpoint.
	URL string
	// CDN is the other host.
	CDN string
	// Token opens gated and private repositories.
	Token string

	repos map[string]*loaded

	mu       sync.Mutex
	fault    func(*http.Request) Fault
	requests []Request
}

// loaded is a repository with its revisions by name and by commit.
type loaded struct {
	Repo
	revisions map[string]*revision
}

// Request is a request that the Server has seen.
type Request struct {
	// CDN says that it went to the other host.
	CDN    bool
	Method string
	// Path is escaped, with the query.
	Path   string
	Header http.Header
}

// New starts a server of the repositories, which ends with the test.
func New(t testing.TB, repos ...Repo) *Server {
	t.Helper()
	s := &Server{Token: "hf_test", repos: map[string]*loaded{}}
	for _, repo := range repos {
		l := &loaded{Repo: repo, revisions: map[string]*revision{}}
		add := func(name string) {
			fsys := repo.Files
			if name != "main" {
				fsys = repo.Revisions[name]
			}
			r, err := repo.load(fsys)
			if err != nil {
				t.Fatalf("hubtest: %s: %v", repo.Name, err)
			}
			if name == "main" && repo.Commit != "" {
				r.commit = repo.Commit
			}
			l.revisions[name], l.revisions[r.commit] = r, r
		}
		add("main")
		for name := range repo.Revisions {
			add(name)
		}
		s.repos[repo.Name] = l
	}
	hub := httptest.NewServer(s.handler(false, s.serveHub))
	cdn := httptest.NewServer(s.handler(true, s.serveCDN))
	t.Cleanup(hub.Close)
	t.Cleanup(cdn.Close)
	t.Cleanup(func() { hub.CloseClientConnections(); cdn.CloseClientConnections() })
	s.URL, s.CDN = hub.URL, cdn.URL
	return s
}

// Commit returns the commit of a revision.
func (s *Server) Commit(repo, revision string) string {
	return s.repos[repo].revisions[revision].commit
}

// Fault has every later request ask f what goes wrong with its answer; nil means
// nothing. The host of a request tells the endpoint from the CDN.
func (s *Server) Fault(f func(*http.Request) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// Requests returns the requests so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// handler notes a request, and serves it with its fault.
func (s *Server) handler(cdn bool, serve func(http.ResponseWriter, *http.Request, Fault)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, Request{CDN: cdn, Method: r.Method, Path: r.URL.RequestURI(), Header: r.Header.Clone()})
		ask := s.fault
		s.mu.Unlock()
		var fault Fault
		if ask != nil {
			fault = ask(r)
		}
		if fault.Status != 0 {
			for key, values := range fault.Header {
				w.Header()[http.CanonicalHeaderKey(key)] = values
			}
			w.WriteHeader(fault.Status)
			fmt.Fprint(w, fault.Body)
			return
		}
		serve(w, r, fault)
	})
}

// refuse answers an error as the hub does.
func refuse(w http.ResponseWriter, status int, code, message string) {
	if code != "" {
		w.Header().Set("X-Error-Code", code)
	}
	w.Header().Set("X-Error-Message", message)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": message})
}

// serveHub serves the endpoint.
func (s *Server) serveHub(w http.ResponseWriter, r *http.Request, fault Fault) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	api := strings.HasPrefix(path, "api/models/")
	name, rest, ok := strings.Cut(strings.TrimPrefix(path, "api/models/"), map[bool]string{true: "/revision/", false: "/resolve/"}[api])
	if api && !ok {
		rest, ok = "main", true // the address without a revision means main
	}
	if !ok {
		refuse(w, http.StatusNotFound, "", "Page not found")
		return
	}
	repo := s.repos[name]
	if repo == nil {
		for _, other := range s.repos {
			if other.Renamed == name {
				// A relative address, as the hub gives for a renamed repository.
				w.Header().Set("Location", "/"+strings.Replace(path, name, other.Name, 1)+"?renamed=1&blobs=true")
				w.WriteHeader(http.StatusTemporaryRedirect)
				return
			}
		}
		refuse(w, http.StatusUnauthorized, "RepoNotFound", "Repository not found")
		return
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case token != "" && token != s.Token:
		refuse(w, http.StatusUnauthorized, "", "Invalid credentials in Authorization header")
		return
	case repo.Private && token != s.Token:
		refuse(w, http.StatusUnauthorized, "RepoNotFound", "Repository not found")
		return
	case repo.Gated && !api && token != s.Token:
		refuse(w, http.StatusForbidden, "GatedRepo", "Access to model "+name+" is restricted")
		return
	}
	escaped, filePath, _ := strings.Cut(rest, "/")
	revisionName, err := url.PathUnescape(escaped)
	rev := repo.revisions[revisionName]
	if err != nil || rev == nil {
		refuse(w, http.StatusNotFound, "RevisionNotFound", "Invalid rev id: "+revisionName)
		return
	}
	if api {
		s.list(w, r, repo, rev, fault)
		return
	}
	s.resolve(w, r, rev, filePath, fault)
}

// list answers the files of a revision.
func (s *Server) list(w http.ResponseWriter, r *http.Request, repo *loaded, rev *revision, fault Fault) {
	blobs := r.URL.Query().Get("blobs") == "true"
	siblings := []map[string]any{}
	for _, p := range rev.paths() {
		f := rev.files[p]
		one := map[string]any{"rfilename": p}
		if blobs {
			one["size"], one["blobId"] = len(f.content), f.blob
			if f.lfs {
				one["lfs"] = map[string]any{"sha256": f.sha256, "size": len(f.content), "pointerSize": len(Pointer(f.content))}
			}
		}
		siblings = append(siblings, one)
	}
	var gated any = false
	if repo.Gated {
		gated = "manual"
	}
	text, _ := json.Marshal(map[string]any{"id": repo.Name, "modelId": repo.Name, "sha": rev.commit, "private": repo.Private,
		"gated": gated, "cardData": map[string]any{"license": repo.Licence}, "siblings": siblings})
	if fault.Replace != nil {
		text = fault.Replace
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	s.send(w, r, text, fault)
}

// resolve answers a small file, or leads to the CDN.
func (s *Server) resolve(w http.ResponseWriter, r *http.Request, rev *revision, escaped string, fault Fault) {
	path, err := url.PathUnescape(escaped)
	f, ok := rev.files[path]
	w.Header().Set("X-Repo-Commit", rev.commit)
	if err != nil || !ok {
		refuse(w, http.StatusNotFound, "EntryNotFound", "Entry not found")
		return
	}
	if !f.lfs {
		w.Header().Set("ETag", strconv.Quote(f.blob))
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		s.send(w, r, f.content, fault)
		return
	}
	w.Header().Set("X-Linked-Etag", strconv.Quote(f.sha256))
	w.Header().Set("X-Linked-Size", strconv.Itoa(len(f.content)))
	w.Header().Set("X-Xet-Hash", strings.Repeat("0", 64))
	w.Header().Set("Location", s.CDN+"/"+rev.commit+"/"+escaped+"?signature=secret")
	fault.headers(w)
	w.WriteHeader(http.StatusFound)
}

// serveCDN serves /{commit}/{path}. It refuses a token, as the hub's store does, and
// has an ETag of its own.
func (s *Server) serveCDN(w http.ResponseWriter, r *http.Request, fault Fault) {
	commit, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	for _, repo := range s.repos {
		if rev := repo.revisions[commit]; rev != nil {
			if f, ok := rev.files[path]; ok && r.Header.Get("Authorization") == "" {
				w.Header().Set("ETag", `"`+strings.Repeat("c", 64)+`"`)
				w.Header().Set("Content-Type", "application/octet-stream")
				s.send(w, r, f.content, fault)
				return
			}
		}
	}
	refuse(w, http.StatusBadRequest, "", "Only one auth mechanism allowed")
}

// headers adds and removes the fault's header fields.
func (f Fault) headers(w http.ResponseWriter) {
	for key, values := range f.Header {
		if len(values) == 0 {
			delete(w.Header(), http.CanonicalHeaderKey(key))
		} else {
			w.Header()[http.CanonicalHeaderKey(key)] = values
		}
	}
}

// send writes content, or the range of it that is asked for.
func (s *Server) send(w http.ResponseWriter, r *http.Request, content []byte, fault Fault) {
	if fault.Replace != nil {
		content = fault.Replace
	}
	if fault.Gzip {
		w.Header().Set("Content-Encoding", "gzip")
		fault.headers(w)
		_ = compressed(w, content)
		return
	}
	status, from := http.StatusOK, 0
	if n, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); n == 1 && err == nil && !fault.NoRange {
		if from >= len(content) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", len(content)))
			refuse(w, http.StatusRequestedRangeNotSatisfiable, "", "Range Not Satisfiable")
			return
		}
		if fault.WrongRange {
			from = min(from+1, len(content)-1)
		}
		status = http.StatusPartialContent
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(content)-1, len(content)))
		content = content[from:]
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	fault.headers(w)
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		fault.body(w, r, content)
	}
}

// Behind starts a server that passes requests below a path on to s, and returns its
// endpoint with the path.
func Behind(t testing.TB, s *Server, path string) string {
	t.Helper()
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	mirror := httptest.NewServer(http.StripPrefix(path, httputil.NewSingleHostReverseProxy(target)))
	t.Cleanup(mirror.Close)
	return mirror.URL + path
}
