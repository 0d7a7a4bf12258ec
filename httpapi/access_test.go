package httpapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"engram/httpapi/internal/problem"
	"engram/httpapi/keys"
)

// guarded returns the options of a server with keys, and a key of each role.
func guarded(t *testing.T) (Options, map[keys.Role]string) {
	t.Helper()
	opts := fakeOptions(t)
	path := filepath.Join(t.TempDir(), "keys.json")
	secrets := map[keys.Role]string{}
	for _, role := range []keys.Role{keys.Read, keys.Write, keys.Admin} {
		secret, err := keys.Create(path, string(role), role)
		if err != nil {
			t.Fatal(err)
		}
		secrets[role] = secret
	}
	file, err := keys.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	opts.Keys = file
	return opts, secrets
}

// Every route but a few wants a key of its role, in one of three places.
func TestEveryRouteWantsItsKey(t *testing.T) {
	opts, secrets := guarded(t)
	opts.Writable = true
	s := newServer(t, opts)
	for _, r := range s.routes() {
		address := strings.NewReplacer(":id", "1", ":file", "app.js", ":name", "x").Replace(r.path)
		request := httptest.NewRequest(r.method, address, nil)
		w := answerOf(s, request)
		switch r.path {
		case "/healthz", "/readyz", "/openapi.yaml", "/docs":
			if w.Code == http.StatusUnauthorized {
				t.Errorf("%s %s wants a key", r.method, r.path)
			}
			continue
		}
		if challenge := w.Header().Values("WWW-Authenticate"); w.Code != http.StatusUnauthorized || len(challenge) != 2 {
			t.Errorf("%s %s without a key: status %d, %q", r.method, r.path, w.Code, challenge)
		}
		request.Header.Set("Authorization", "Bearer "+secrets[keys.Read])
		want := http.StatusForbidden
		if r.access.role == keys.Read {
			want = 0
		}
		if w := answerOf(s, request); w.Code == http.StatusUnauthorized || (w.Code == http.StatusForbidden) != (want == http.StatusForbidden) {
			t.Errorf("%s %s by a reader: status %d", r.method, r.path, w.Code)
		}
		request.Header.Set("Authorization", "Bearer "+secrets[keys.Admin])
		if w := answerOf(s, request); w.Code == http.StatusUnauthorized || w.Code == http.StatusForbidden {
			t.Errorf("%s %s by an administrator: status %d", r.method, r.path, w.Code)
		}
	}
}

func TestAKeyComesInOneOfThreePlaces(t *testing.T) {
	opts, secrets := guarded(t)
	s := newServer(t, opts)
	for name, set := range map[string]func(*http.Request, string){
		"bearer": func(r *http.Request, key string) { r.Header.Set("Authorization", "bearer "+key) },
		"basic":  func(r *http.Request, key string) { r.SetBasicAuth("anybody", key) },
		"header": func(r *http.Request, key string) { r.Header.Set("X-Api-Key", key) },
	} {
		for secret, want := range map[string]int{secrets[keys.Read]: 200, secrets[keys.Read] + "x": 401} {
			r := httptest.NewRequest(http.MethodGet, "/v1/info", nil)
			set(r, secret)
			if w := call(t, s, r); w.Code != want {
				t.Errorf("%s %q: status %d, wanted %d", name, secret, w.Code, want)
			}
		}
	}
}

// Who guesses keys is stopped after a few; others are not.
func TestGuessingKeysIsSlow(t *testing.T) {
	opts, secrets := guarded(t)
	var log strings.Builder
	opts.Logger = logTo(&log)
	s := newServer(t, opts)
	ask := func(address, key string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/v1/info", nil)
		r.RemoteAddr = address
		r.Header.Set("Authorization", "Bearer "+key)
		return call(t, s, r)
	}
	if w := ask("192.0.2.1:999", secrets[keys.Write]); w.Code != http.StatusOK {
		t.Errorf("a client of the same address, before: status %d", w.Code)
	}
	refused := 0
	for range 30 {
		if w := ask("192.0.2.1:1000", "engram_GUESS"); w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") != "" {
			refused++
		}
	}
	if refused != 30-guessesAtOnce {
		t.Errorf("%d of 30 guesses were refused unread, wanted all but %d", refused, guessesAtOnce)
	}
	if w := ask("192.0.2.1:1001", secrets[keys.Read]); w.Code != http.StatusTooManyRequests {
		t.Errorf("a right guess after them: status %d", w.Code)
	}
	if w := ask("192.0.2.1:999", secrets[keys.Write]); w.Code != http.StatusOK {
		t.Errorf("a client of the same address, whose key was right before: status %d", w.Code)
	}
	if w := ask("192.0.2.2:1000", secrets[keys.Read]); w.Code != http.StatusOK {
		t.Errorf("another client: status %d", w.Code)
	}
	if strings.Contains(log.String(), "GUESS") || strings.Contains(log.String(), secrets[keys.Read]) {
		t.Error("the log has keys")
	}
}

func TestRatesAreEachKeys(t *testing.T) {
	opts, secrets := guarded(t)
	opts.Rate, opts.Burst = .01, 3
	s := newServer(t, opts)
	ask := func(role keys.Role, address string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, address, nil)
		r.Header.Set("X-Api-Key", secrets[role])
		return call(t, s, r)
	}
	for range 5 { // pictures do not count
		if w := ask(keys.Read, "/v1/items/1/image"); w.Code != http.StatusOK {
			t.Fatalf("a picture: status %d", w.Code)
		}
	}
	for range 3 {
		if w := ask(keys.Read, "/v1/items/1"); w.Code != http.StatusOK {
			t.Fatalf("status %d", w.Code)
		}
	}
	w := ask(keys.Read, "/v1/items/1")
	if p := decodeBody[problem.Details](t, w, http.StatusTooManyRequests); !strings.HasSuffix(p.Type, "too-many-requests") || w.Header().Get("Retry-After") != "100" {
		t.Errorf("%+v, Retry-After %q", p, w.Header().Get("Retry-After"))
	}
	if w := ask(keys.Write, "/v1/items/1"); w.Code != http.StatusOK {
		t.Errorf("another key: status %d", w.Code)
	}
}

// Where as many searches run and wait as may, the next is refused at once, and what needs
// no engine is answered.
func TestTheQueueIsBounded(t *testing.T) {
	opts := fakeOptions(t)
	opts.MaxRunning, opts.MaxWaiting = 1, 1
	running, finish := make(chan bool, 2), make(chan bool)
	end := sync.OnceFunc(func() { close(finish) })
	var searches sync.WaitGroup
	defer func() { end(); searches.Wait() }() // also where the test fails
	opts.Text.Encode = func(ctx context.Context, text string) ([]float32, bool, error) {
		running <- true
		<-finish
		return encodeWord(ctx, text)
	}
	s := newServer(t, opts)
	handler := checked(t, s) // which fails the test here, and not in another goroutine
	search := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, here("POST", "/v1/search", `{"text":"red"}`))
		return w
	}
	answers := make(chan int, 2)
	searches.Go(func() { answers <- search().Code })
	select {
	case <-running:
	case status := <-answers:
		t.Fatalf("the first search did not run: status %d", status)
	}
	searches.Go(func() { answers <- search().Code })
	for _, waiting := s.queue.Length(); waiting == 0; _, waiting = s.queue.Length() {
		select {
		case status := <-answers:
			t.Fatalf("the second search did not wait: status %d", status)
		case <-time.After(time.Millisecond):
		}
	}
	w := search()
	if p := decodeBody[problem.Details](t, w, http.StatusServiceUnavailable); !strings.HasSuffix(p.Type, "overloaded") || w.Header().Get("Retry-After") == "" {
		t.Errorf("%+v, Retry-After %q", p, w.Header().Get("Retry-After"))
	}
	if w := get(t, s, "/v1/items/1"); w.Code != http.StatusOK {
		t.Errorf("an item: status %d", w.Code)
	}
	end()
	for range 2 {
		if status := <-answers; status != http.StatusOK {
			t.Errorf("who was in the queue got status %d", status)
		}
	}
}

// The counters and profiles are for this machine and for administrators.
func TestAdminIsForAdministrators(t *testing.T) {
	opts, secrets := guarded(t)
	s := newServer(t, opts)
	answerOf(s, httptest.NewRequest("BREW", "/v1/info", nil))
	get := func(from, host, path, key string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.RemoteAddr, r.Host = from, host
		r.Header.Set("Authorization", "Bearer "+key)
		w := httptest.NewRecorder()
		s.Admin().ServeHTTP(w, r)
		return w
	}
	for _, c := range []struct {
		from, host, key string
		want            int
	}{
		{"127.0.0.1:99", "127.0.0.1:9090", "", 200}, {"[::1]:99", "[::1]:9090", "", 200}, {"127.0.0.1:99", "localhost:9090", "", 200},
		{"127.0.0.1:99", "evil.example", "", 401}, {"192.0.2.1:99", "127.0.0.1", "", 401},
		{"192.0.2.1:99", "a.example", secrets[keys.Write], 403}, {"192.0.2.1:99", "a.example", secrets[keys.Admin], 200},
	} {
		if w := get(c.from, c.host, "/metrics", c.key); w.Code != c.want {
			t.Errorf("from %s to %s with %q: status %d, wanted %d", c.from, c.host, c.key, w.Code, c.want)
		}
	}
	for site, want := range map[string]int{"cross-site": 403, "same-site": 403, "none": 200, "same-origin": 200} {
		r := httptest.NewRequest(http.MethodGet, "/debug/pprof/goroutine", nil)
		r.RemoteAddr, r.Host = "127.0.0.1:99", "127.0.0.1:9090"
		r.Header.Set("Sec-Fetch-Site", site)
		w := httptest.NewRecorder()
		if s.Admin().ServeHTTP(w, r); w.Code != want {
			t.Errorf("asked by a page that is %s: status %d, wanted %d", site, w.Code, want)
		}
	}
	body := get("127.0.0.1:99", "localhost", "/metrics", "").Body.String()
	for _, want := range []string{
		`engram_http_requests_total{code="405",method="other",route="none"} 1`, "engram_queue_waiting 0", "engram_index_items 5", "go_goroutines",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if w := get("127.0.0.1:99", "localhost", "/debug/pprof/goroutine", ""); w.Code != 200 || w.Body.Len() == 0 {
		t.Errorf("goroutines: status %d, %d bytes", w.Code, w.Body.Len())
	}
	opts.Keys = nil
	s = newServer(t, opts)
	if w := get("192.0.2.1:99", "a.example", "/metrics", ""); w.Code != http.StatusForbidden {
		t.Errorf("a server without keys, from another machine: status %d", w.Code)
	}
}

// A search says how long each of its stages took, where that is asked for.
func TestTimesOfStages(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	if got := decodeBody[searchView](t, ask(t, s, `{"item":"1"}`), 200); got.Times != nil {
		t.Errorf("times without explain: %+v", got.Times)
	}
	got := decodeBody[searchView](t, ask(t, s, `{"item":"1","explain":true}`), 200)
	if got.Times == nil || got.Times.QueryMS+got.Times.SearchMS+got.Times.WaitMS > got.TookMS {
		t.Errorf("times are %+v of %v ms", got.Times, got.TookMS)
	}
	body := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.RemoteAddr, r.Host = "127.0.0.1:1", "localhost"
	s.Admin().ServeHTTP(body, r)
	for _, stage := range []string{"read", "queue", "query", "engine"} {
		if !strings.Contains(body.Body.String(), `engram_stage_duration_seconds_count{stage="`+stage+`"} 2`) {
			t.Errorf("/metrics has not counted the stage %s", stage)
		}
	}
}
