package hub_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"engram/embed/hub"
	"engram/embed/hub/hubtest"
)

const vision = "onnx/vision_model.onnx"

// resolved returns a server, a client of it and the snapshot of main.
func resolved(t testing.TB, change ...func(*hub.Options)) (*hubtest.Server, *hub.Client, *hub.Snapshot) {
	t.Helper()
	s := newServer(t)
	c := newClient(t, s, change...)
	snap, err := c.Resolve(t.Context(), name, "main")
	if err != nil {
		t.Fatal(err)
	}
	return s, c, snap
}

// first returns a fault for the first n requests of files.
func first(n int, fault hubtest.Fault) func(*http.Request) hubtest.Fault {
	var count atomic.Int64
	return func(r *http.Request) hubtest.Fault {
		if strings.Contains(r.URL.Path, "/api/") || count.Add(1) > int64(n) {
			return hubtest.Fault{}
		}
		return fault
	}
}

// onCDN returns a fault for the first n requests to the other host.
func onCDN(s *hubtest.Server, n int, fault hubtest.Fault) func(*http.Request) hubtest.Fault {
	limited := first(n, fault)
	return func(r *http.Request) hubtest.Fault {
		if !strings.HasSuffix(s.CDN, "//"+r.Host) {
			return hubtest.Fault{}
		}
		return limited(r)
	}
}

func TestFetchGetsOverFaults(t *testing.T) {
	t.Parallel()
	wait := http.Header{"Retry-After": {"0"}}
	for _, test := range []struct {
		name  string
		fault func(*hubtest.Server) func(*http.Request) hubtest.Fault
		want  int // requests to the other host
	}{
		{"a dropped connection", func(s *hubtest.Server) func(*http.Request) hubtest.Fault {
			return onCDN(s, 2, hubtest.Fault{Cut: 70_001})
		}, 3},
		{"a connection that is dropped at once", func(s *hubtest.Server) func(*http.Request) hubtest.Fault {
			return onCDN(s, 1, hubtest.Fault{Cut: 1})
		}, 2},
		{"503 and then the file", func(*hubtest.Server) func(*http.Request) hubtest.Fault {
			return first(2, hubtest.Fault{Status: 503})
		}, 1},
		{"408", func(*hubtest.Server) func(*http.Request) hubtest.Fault { return first(1, hubtest.Fault{Status: 408}) }, 1},
		{"429 with Retry-After", func(*hubtest.Server) func(*http.Request) hubtest.Fault {
			return first(2, hubtest.Fault{Status: 429, Header: wait})
		}, 1},
		{"an address that is no longer valid", func(s *hubtest.Server) func(*http.Request) hubtest.Fault {
			return onCDN(s, 1, hubtest.Fault{Status: 403})
		}, 2},
		{"a compressed answer", func(s *hubtest.Server) func(*http.Request) hubtest.Fault {
			return onCDN(s, 1, hubtest.Fault{Gzip: true})
		}, 1},
		{"an answer without length", func(s *hubtest.Server) func(*http.Request) hubtest.Fault {
			return onCDN(s, 1, hubtest.Fault{Header: http.Header{"Content-Length": nil}})
		}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, c, snap := resolved(t)
			s.Fault(test.fault(s))
			dir := t.TempDir()
			if _, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil); err != nil {
				t.Fatal(err)
			}
			wantFiles(t, dir, vision)
			got := 0
			for _, r := range s.Requests() {
				if r.CDN {
					got++
				}
			}
			if got != test.want {
				t.Errorf("%d requests to the other host, want %d", got, test.want)
			}
		})
	}
}

// What an interrupted download has brought is asked for no second time, if the server
// agrees.
func TestFetchResumes(t *testing.T) {
	t.Parallel()
	whole := len(files[vision].Data)
	for _, test := range []struct {
		name  string
		fault hubtest.Fault // of the second call
		part  func([]byte) []byte
		want  []string // ranges of the second call
	}{
		{"a range", hubtest.Fault{}, nil, []string{"bytes=100000-"}},
		{"200 for a range", hubtest.Fault{NoRange: true}, nil, []string{"bytes=100000-"}},
		{"another range", hubtest.Fault{WrongRange: true}, nil, []string{"bytes=100000-", ""}},
		{"a compressed range", hubtest.Fault{Gzip: true}, nil, []string{"bytes=100000-"}},
		{"a damaged part", hubtest.Fault{}, func(b []byte) []byte { b[5] ^= 1; return b }, []string{"bytes=100000-", ""}},
		{"a part that is too long", hubtest.Fault{}, func([]byte) []byte { return make([]byte, whole+1) }, []string{""}},
		{"a whole part and more", hubtest.Fault{}, func([]byte) []byte { return append(slices.Clone(files[vision].Data), 1) }, []string{""}},
		{"a whole part", hubtest.Fault{}, func([]byte) []byte { return files[vision].Data }, nil},
		{"a whole part of other content", hubtest.Fault{}, func([]byte) []byte { return make([]byte, whole) }, []string{""}},
		{"416", hubtest.Fault{Status: 416}, nil, []string{"bytes=100000-", ""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, c, snap := resolved(t, func(o *hub.Options) { o.Patience.Attempts = 1 })
			dir := t.TempDir()
			s.Fault(onCDN(s, 1, hubtest.Fault{Cut: 100_000}))
			if _, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil); !errors.Is(err, hub.ErrUnreachable) {
				t.Fatalf("the first call returns %v", err)
			}
			parts, err := filepath.Glob(filepath.Join(dir, ".download", "*.part"))
			if err != nil || len(parts) != 1 {
				t.Fatalf("parts %v, %v", parts, err)
			}
			if test.part != nil {
				content, err := os.ReadFile(parts[0])
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(parts[0], test.part(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			s.Fault(onCDN(s, 1, test.fault))
			before := len(s.Requests())
			c = newClient(t, s)
			if _, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil); err != nil {
				t.Fatal(err)
			}
			wantFiles(t, dir, vision)
			var ranges []string
			for _, r := range s.Requests()[before:] {
				if r.CDN {
					ranges = append(ranges, r.Header.Get("Range"))
				}
			}
			if fmt.Sprintf("%q", ranges) != fmt.Sprintf("%q", test.want) {
				t.Errorf("ranges %q, want %q", ranges, test.want)
			}
		})
	}
}

// A line that drops again and again is no failure as long as each attempt brings a
// part of the file.
func TestAttemptsThatBringSomethingAreNotCounted(t *testing.T) {
	t.Parallel()
	content := random(5 << 20)
	s := hubtest.New(t, hubtest.Repo{Name: name, Files: fstest.MapFS{vision: {Data: content}}})
	c := newClient(t, s, func(o *hub.Options) { o.Patience.Attempts = 2 })
	snap, err := c.Resolve(t.Context(), name, "")
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(cut int) error {
		s.Fault(onCDN(s, 100, hubtest.Fault{Cut: cut}))
		dir := t.TempDir()
		_, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil)
		if got, readErr := os.ReadFile(filepath.Join(dir, vision)); err == nil && (readErr != nil || !bytes.Equal(got, content)) {
			t.Errorf("%d bytes an answer: the file has %d bytes, %v", cut, len(got), readErr)
		}
		return err
	}
	if err := fetch(1_200_000); err != nil {
		t.Errorf("with five answers of 1.2 MB: %v", err)
	}
	if err := fetch(100_000); !errors.Is(err, hub.ErrUnreachable) || !strings.Contains(err.Error(), "(2 attempts)") {
		t.Errorf("with answers of .1 MB: %v", err)
	}
}

func TestFetchRefusesOtherContent(t *testing.T) {
	t.Parallel()
	pointer := hubtest.Pointer(files[vision].Data)
	for _, test := range []struct {
		name  string
		fault hubtest.Fault
		want  error
		says  string
	}{
		{"a wrong byte", hubtest.Fault{Corrupt: true}, hub.ErrChecksum, "has SHA-256"},
		{"a shorter file", hubtest.Fault{Replace: files[vision].Data[1:]}, hub.ErrChecksum, "has 299999 bytes, wanted 300000"},
		{"a longer file of unknown length", hubtest.Fault{Replace: append(random(300_000), 1), Header: http.Header{"Content-Length": nil}}, hub.ErrChecksum, "more than the wanted"},
		{"an LFS pointer", hubtest.Fault{Replace: pointer}, hub.ErrPointer, "pointer of Git LFS"},
		{"an LFS pointer of unknown length", hubtest.Fault{Replace: pointer, Header: http.Header{"Content-Length": nil}}, hub.ErrPointer, "pointer of Git LFS"},
		{"a web page", hubtest.Fault{Replace: []byte("<html>"), Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}}, hub.ErrAnswer, "answers a web page"},
		{"an unknown encoding", hubtest.Fault{Header: http.Header{"Content-Encoding": {"br"}}}, hub.ErrAnswer, `encoded by "br"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, c, snap := resolved(t)
			s.Fault(onCDN(s, 100, test.fault))
			dir := filepath.Join(t.TempDir(), "new")
			_, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil)
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %v that says %q", err, test.want, test.says)
			}
			if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("something was left: %v", err)
			}
			s.Fault(nil)
			if _, err := c.Fetch(t.Context(), snap, []string{vision}, dir, nil); err != nil {
				t.Fatal(err)
			}
			wantFiles(t, dir, vision)
		})
	}
}

func TestFetchGivesUp(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		fault hubtest.Fault
		want  error
		says  string
	}{
		{"503 for ever", hubtest.Fault{Status: 503, Header: http.Header{"X-Error-Message": {"down for a while"}}}, hub.ErrUnreachable, `503 Service Unavailable ("down for a while"): try later`},
		{"429 for ever", hubtest.Fault{Status: 429}, hub.ErrRate, "(5 attempts)"},
		{"429 for an hour", hubtest.Fault{Status: 429, Header: http.Header{"Retry-After": {"3600"}}}, hub.ErrRate, "asks to wait 1h0m0s"},
		{"a quota that is used up", hubtest.Fault{Status: 429, Header: http.Header{"Ratelimit": {`"resolvers";r=0;t=120`}}}, hub.ErrRate, "asks to wait 2m0s"},
		{"404", hubtest.Fault{Status: 404}, hub.ErrFile, "no file"},
		{"403", hubtest.Fault{Status: 403}, hub.ErrUnauthorized, "403 Forbidden"},
		{"a redirect without end", hubtest.Fault{Status: 302, Header: http.Header{"Location": {"."}}}, hub.ErrUnreachable, "redirects"},
		{"a stalled body", hubtest.Fault{Stall: true}, hub.ErrUnreachable, "no byte came for too long"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s, c, snap := resolved(t, func(o *hub.Options) {
				if test.fault.Stall {
					o.Patience.Stall, o.Patience.Attempts = 200*time.Millisecond, 2
				}
			})
			s.Fault(first(100, test.fault))
			_, err := c.Fetch(t.Context(), snap, []string{"config.json", vision}, t.TempDir(), nil)
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %v, want %v that says %q", err, test.want, test.says)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows a signature: %v", err)
			}
		})
	}
}

func TestAServerThatIsNotThere(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, endpoint := range []string{"http://127.0.0.1:1", "http://" + silent.Addr().String()} {
		c, err := hub.New(hub.Options{Endpoint: endpoint, Patience: hub.Patience{Attempts: 2, FirstWait: time.Millisecond, Stall: 100 * time.Millisecond}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Resolve(t.Context(), name, "main")
		if !errors.Is(err, hub.ErrUnreachable) || !strings.Contains(err.Error(), "check the network") {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
}

// The token goes to the endpoint and to no other host, port included.
func TestTheTokenStaysWithTheEndpoint(t *testing.T) {
	t.Parallel()
	s := hubtest.New(t, hubtest.Repo{Name: name, Files: files, Private: true})
	c := newClient(t, s, func(o *hub.Options) { o.Token = s.Token })
	snap, err := c.Resolve(t.Context(), name, "main")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := c.Fetch(t.Context(), snap, paths, dir, nil); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, paths...)
	for _, r := range s.Requests() {
		if got := r.Header.Get("Authorization") != ""; got == r.CDN {
			t.Errorf("%s %s, other host %v: token sent: %v", r.Method, r.Path, r.CDN, got)
		}
		if strings.Contains(r.Path, "/resolve/") && r.Header.Get("Accept-Encoding") != "identity" {
			t.Errorf("%s was asked for in encoding %q", r.Path, r.Header.Get("Accept-Encoding"))
		}
	}
}

func TestReadGetsOverFaultsAndChecks(t *testing.T) {
	t.Parallel()
	s, c, snap := resolved(t)
	for _, test := range []struct {
		name  string
		fault hubtest.Fault
		times int
		want  error
	}{
		{"gzip", hubtest.Fault{Gzip: true}, 1, nil},
		{"a dropped connection", hubtest.Fault{Cut: 5}, 1, nil},
		{"503", hubtest.Fault{Status: 503}, 2, nil},
		{"a wrong byte", hubtest.Fault{Corrupt: true}, 9, hub.ErrChecksum},
		{"a pointer", hubtest.Fault{Replace: hubtest.Pointer([]byte("x"))}, 9, hub.ErrPointer},
		{"a web page", hubtest.Fault{Header: http.Header{"Content-Type": {"text/html"}}}, 9, hub.ErrAnswer},
		{"an endless answer", hubtest.Fault{Replace: make([]byte, 1<<20)}, 9, hub.ErrAnswer},
	} {
		s.Fault(first(test.times, test.fault))
		text, err := c.Read(t.Context(), snap, "config.json")
		if !errors.Is(err, test.want) || err == nil && string(text) != string(files["config.json"].Data) {
			t.Errorf("%s: %q, %v, want %v", test.name, text, err, test.want)
		}
	}
}
