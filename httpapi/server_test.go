package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"engram/httpapi/internal/problem"
	"engram/index"
)

func TestNewNamesEveryFault(t *testing.T) {
	_, err := New(Options{
		Limits: Limits{MaxK: -1},
		Trials: []Trial{{ID: "a"}, {ID: "a"}, {ID: ""}},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"a store is needed", "MaxK:-1", "3 stored trials need a decoder", `id "a" is empty or taken`, `id "" is`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error lacks %q:\n%v", want, err)
		}
	}
	opts := fakeOptions(t)
	opts.Trials = []Trial{{ID: "short", Repeats: [][]float32{{1, 2}}}}
	if _, err := New(opts); !errors.Is(err, problem.ErrVoxels) || !strings.Contains(err.Error(), `"short"`) {
		t.Errorf("a trial that does not fit: %v", err)
	}
}

func TestInfoTrialsAndHealth(t *testing.T) {
	opts := fakeOptions(t)
	s := newServer(t, opts)
	opts.Store.(*memStore).info.Background = index.Background{Begun: 3, Finished: 1, Failed: 1}
	opts.Store.(*memStore).info.Tokens = index.TokenFormat{Kind: index.TokensInt8, Count: 2, Dim: 3}
	info := decodeBody[infoView](t, get(t, s, "/v1/info"), http.StatusOK)
	if want := (backgroundView{Begun: 3, Finished: 1, Failed: 1}); info.Index.Background != want {
		t.Errorf("work in the background is %+v, want %+v", info.Index.Background, want)
	}
	if want := (tokensView{index.TokensInt8, 2, 3}); info.Index.Tokens == nil || *info.Index.Tokens != want {
		t.Errorf("tokens are %+v, want %+v", info.Index.Tokens, want)
	}
	if info.Index.Count != 5 || info.Index.Data != "five flat pictures" || info.Encoder.Model.Name != "colour 1" ||
		info.Decoder.Voxels != 5 || !info.Images || info.Trials != 2 {
		t.Errorf("info is %+v", info)
	}
	opts.Encoder, opts.Decoder, opts.Trials = nil, nil, nil
	info = decodeBody[infoView](t, get(t, newServer(t, opts), "/v1/info"), http.StatusOK)
	if info.Encoder != nil || info.Decoder != nil || info.Trials != 0 {
		t.Errorf("info without models is %+v", info)
	}

	type list struct {
		Total  int
		Trials []trialView
	}
	for address, want := range map[string]string{"": "t1 t2", "?limit=1": "t1", "?offset=1": "t2", "?offset=7": ""} {
		got := decodeBody[list](t, get(t, s, "/v1/trials"+address), http.StatusOK)
		var ids []string
		for _, trial := range got.Trials {
			ids = append(ids, trial.ID)
		}
		if strings.Join(ids, " ") != want || got.Total != 2 {
			t.Errorf("trials%s are %v of %d, want %s of 2", address, ids, got.Total, want)
		}
	}
	decodeBody[problem.Details](t, get(t, s, "/v1/trials?offset=x"), http.StatusBadRequest)

	if got := decodeBody[statusView](t, get(t, s, "/healthz"), http.StatusOK); got.Status != "ok" {
		t.Errorf("health is %+v", got)
	}
	if got := decodeBody[statusView](t, get(t, s, "/readyz"), http.StatusOK); got.Status != "ready" {
		t.Errorf("readiness is %+v", got)
	}
	opts.Store.(*memStore).fail = index.ErrClosed
	decodeBody[problem.Details](t, get(t, s, "/readyz"), http.StatusServiceUnavailable)
	if got := decodeBody[statusView](t, get(t, s, "/healthz"), http.StatusOK); got.Status != "ok" {
		t.Errorf("health with a closed index is %+v", got)
	}
}

func TestUnknownAddressesAndMethods(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	for _, address := range []string{"/v2/search", "/v1/items/1/", "/assets/index.htm", "/assets/..%2fopenapi.yaml", "/v1/items/../../x"} {
		decodeBody[problem.Details](t, get(t, s, address), http.StatusNotFound)
	}
	w := get(t, s, "/v1/search")
	p := decodeBody[problem.Details](t, w, http.StatusMethodNotAllowed)
	if w.Header().Get("Allow") != "POST" || !strings.Contains(p.Detail, "GET is not among this route's methods (POST)") {
		t.Errorf("Allow is %q, detail %q", w.Header().Get("Allow"), p.Detail)
	}
}

func TestHeadIsAnsweredLikeGet(t *testing.T) {
	s := newServer(t, fakeOptions(t))
	server := httptest.NewServer(checked(t, s))
	defer server.Close()
	for _, address := range []string{"/v1/items/1/image", "/v1/info", "/"} {
		head, err := http.Head(server.URL + address)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(head.Body)
		head.Body.Close()
		if err != nil || head.StatusCode != http.StatusOK || len(body) != 0 || head.ContentLength <= 0 {
			t.Errorf("HEAD %s: %d, %d bytes of %d, %v", address, head.StatusCode, len(body), head.ContentLength, err)
		}
	}
}

func TestBodyLimitHoldsForEveryFormAndRoute(t *testing.T) {
	opts := fakeOptions(t)
	opts.MaxBodyBytes = 1000
	s := newServer(t, opts)
	large := strings.Repeat("1,", 1000)
	contentType, body := form(t, "image", large)
	for contentType, body := range map[string]string{
		"application/json":  `{"vector":[` + large + `1]}`,
		"image/png":         large,
		"application/x-npy": large,
		contentType:         string(body),
	} {
		p := decodeBody[problem.Details](t, post(t, s, "/v1/search", contentType, []byte(body)), http.StatusRequestEntityTooLarge)
		if !strings.Contains(p.Detail, "1000 bytes") {
			t.Errorf("%s: detail is %q", contentType, p.Detail)
		}
	}
	// No other route reads a body; the limiter is there for one that will.
	for _, r := range s.routes() {
		if r.maxBody <= 0 {
			t.Errorf("%s %s has no limit", r.method, r.path)
		}
	}
}

func TestTroubleWhileSearching(t *testing.T) {
	opts := fakeOptions(t)
	var log bytes.Buffer
	opts.Logger = logTo(&log)
	opts.SearchTimeout = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	for _, test := range []struct {
		name   string
		encode func(context.Context, []byte) ([]float32, error)
		status int
		logged string
	}{
		{"slow", func(ctx context.Context, _ []byte) ([]float32, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, http.StatusServiceUnavailable, `"status":503`},
		{"panic", func(context.Context, []byte) ([]float32, error) { panic("bug at /secret/place") }, http.StatusInternalServerError, "bug at /secret/place"},
		{"gone", func(ctx context.Context, raw []byte) ([]float32, error) {
			cancel()
			return encodeColour(ctx, raw)
		}, 499, `"status":499`},
	} {
		log.Reset()
		opts.Encoder.Encode = test.encode
		r := httptest.NewRequest(http.MethodPost, "/v1/search", bytes.NewReader(flatPNG(t, colours[red])))
		r.Header.Set("Content-Type", "image/png")
		r.Header.Set("X-Request-Id", "trace-7")
		w := call(t, newServer(t, opts), r.WithContext(ctx))
		p := decodeBody[problem.Details](t, w, test.status)
		if p.RequestID != "trace-7" || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s: %s", test.name, w.Body)
		}
		if !strings.Contains(log.String(), test.logged) || !strings.Contains(log.String(), "trace-7") {
			t.Errorf("%s: log lacks %q:\n%s", test.name, test.logged, log.String())
		}
	}
	opts.Store.(*memStore).fail = errors.New("disk at /secret/place is on fire")
	log.Reset()
	w := ask(t, newServer(t, opts), `{"item":"1"}`)
	decodeBody[problem.Details](t, w, http.StatusInternalServerError)
	if strings.Contains(w.Body.String(), "fire") || !strings.Contains(log.String(), "disk at /secret/place is on fire") {
		t.Errorf("answer %s\nlog %s", w.Body, log.String())
	}
}

func TestLogHasTheRequestAndNothingPersonal(t *testing.T) {
	opts := fakeOptions(t)
	var log bytes.Buffer
	opts.Logger = logTo(&log)
	s := newServer(t, opts)
	ask(t, s, `{"voxels":[98765.4321,1,1,1,1]}`)
	ask(t, s, `{"voxels":[98765.4321]}`)
	ask(t, s, `{"voxels":[98765.4321,"x"]}`)
	get(t, s, "/v1/items/18446744073709551001?name=Ada")
	r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
	r.Header.Set("X-Request-Id", "two\nlines")
	if got := call(t, s, r).Header().Get("X-Request-Id"); len(got) < 20 || strings.Contains(got, "\n") {
		t.Errorf("request id is %q, want a fresh one", got)
	}
	// None of these can be a part of a time, a duration or a request id.
	for _, personal := range []string{"8765.4", "18446744073709551001", "Ada", "192.0.2.1"} {
		if strings.Contains(log.String(), personal) {
			t.Errorf("the log has %q:\n%s", personal, log.String())
		}
	}
	first, _, _ := strings.Cut(log.String(), "\n")
	var line struct {
		Msg, Method, Route string
		ID                 string `json:"request_id"`
		Status, Bytes      int
		Took               time.Duration
	}
	if err := json.Unmarshal([]byte(first), &line); err != nil {
		t.Fatal(err)
	}
	if line.Msg != "request" || line.Method != "POST" || line.Route != "/v1/search" || line.Status != 200 || line.Bytes == 0 || line.Took <= 0 || line.ID == "" {
		t.Errorf("access line is %+v", line)
	}
}

// gate says when an encoder is entered and holds it until it is open.
type gate struct{ entered, open chan struct{} }

func (g gate) encode(_ context.Context, raw []byte) ([]float32, error) {
	close(g.entered)
	<-g.open
	return encodeColour(context.Background(), raw)
}

// serveGated starts a server on a free port with one search held inside it.
func serveGated(t *testing.T, drain time.Duration) (s *Server, g gate, stop context.CancelFunc, served, answered chan error) {
	t.Helper()
	opts := fakeOptions(t)
	g = gate{make(chan struct{}), make(chan struct{})}
	opts.Encoder.Encode, opts.DrainTimeout = g.encode, drain
	s = newServer(t, opts)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served, answered = make(chan error, 1), make(chan error, 1)
	go func() { served <- s.Serve(ctx, listener) }()
	go func() {
		body := bytes.NewReader(flatPNG(t, colours[red]))
		w, err := http.Post("http://"+listener.Addr().String()+"/v1/search", "image/png", body)
		if err == nil {
			_, err = io.Copy(io.Discard, w.Body)
			err = errors.Join(err, w.Body.Close())
			if w.StatusCode != http.StatusOK {
				err = errors.Join(err, errors.New(w.Status))
			}
		}
		answered <- err
	}()
	<-g.entered
	return s, g, stop, served, answered
}

func TestServeLetsRunningRequestsFinish(t *testing.T) {
	s, gate, stop, served, answered := serveGated(t, time.Minute)
	stop()
	for !s.draining.Load() {
		time.Sleep(time.Millisecond)
	}
	decodeBody[problem.Details](t, get(t, s, "/readyz"), http.StatusServiceUnavailable)
	select {
	case err := <-served:
		t.Fatalf("Serve returned (%v) while a request was running", err)
	default:
	}
	close(gate.open)
	if err := <-answered; err != nil {
		t.Errorf("the running request: %v", err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestServeCutsOffWhatOutlastsTheDrain(t *testing.T) {
	_, gate, stop, served, answered := serveGated(t, 20*time.Millisecond)
	stop()
	if err := <-served; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Serve: %v, want a deadline", err)
	}
	if err := <-answered; err == nil {
		t.Error("the request that was cut off has a whole answer")
	}
	close(gate.open)
}

func TestServeReportsABrokenListener(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := newServer(t, fakeOptions(t)).Serve(t.Context(), listener); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve on a closed listener: %v", err)
	}
	// Whether Serve first notices the end of ctx or of the listener is chance.
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := newServer(t, fakeOptions(t)).Serve(lateContext{ctx}, listener); !errors.Is(err, net.ErrClosed) {
				t.Errorf("Serve on a closed listener until it is cancelled: %v", err)
			}
		})
	}
}

// lateContext ends when everything else in the bubble has come to rest.
type lateContext struct{ context.Context }

func (c lateContext) Done() <-chan struct{} {
	synctest.Wait()
	return c.Context.Done()
}
