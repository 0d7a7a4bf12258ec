package httpapi

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"engram/embed"
	"engram/httpapi/internal/problem"
)

// A request that waits until its model is open takes nobody's turn: where one search runs at
// once, others go on.
func TestWhoWaitsForAModelTakesNoTurn(t *testing.T) {
	opts := fakeOptions(t)
	opts.MaxRunning, opts.Writable = 1, true
	asked, open := make(chan struct{}, 8), make(chan struct{})
	ready := func(ctx context.Context) error {
		asked <- struct{}{}
		select {
		case <-open:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	opts.Text.Ready, opts.Encoder.Ready = ready, ready
	s := newServer(t, opts)
	picture := base64.StdEncoding.EncodeToString(flatPNG(t, colours[red]))
	waiting := map[string]func() int{
		"words":           func() int { return ask(t, s, `{"text":"red"}`).Code },
		"a picture":       func() int { return ask(t, s, `{"image":"`+picture+`"}`).Code },
		"words in a part": func() int { return ask(t, s, `{"parts":[{"item":"1"},{"text":"red"}]}`).Code },
		"words in a batch": func() int {
			return post(t, s, "/v1/search/batch", "application/json", []byte(`{"queries":[{"item":"1"},{"text":"red"}]}`)).Code
		},
		"an item":                  func() int { return call(t, s, here("PUT", "/v1/items/9", `{"image":"`+picture+`"}`)).Code },
		"clip-retrieval's words":   func() int { return call(t, s, clipClient(t, `"text": null`, `"text": "red"`)).Code },
		"clip-retrieval's picture": func() int { return call(t, s, clipClient(t, `"image": null`, `"image": "`+picture+`"`)).Code },
	}
	answers := make(chan string, len(waiting))
	for name, send := range waiting {
		go func() { answers <- fmt.Sprint(name, ": ", send()) }()
	}
	for range waiting {
		<-asked
	}
	for range 3 {
		if w := ask(t, s, `{"vector":[1,0,0],"k":1}`); w.Code != http.StatusOK {
			t.Errorf("a search by vector meanwhile: status %d", w.Code)
		}
	}
	if len(answers) != 0 {
		t.Errorf("%d searches were answered before their model was open", len(answers))
	}
	close(open)
	for range waiting {
		if answer := <-answers; !strings.HasSuffix(answer, ": 200") {
			t.Errorf("%s, wanted 200", answer)
		}
	}
}

func TestWhoWaitsForAModelTooLongReadsSo(t *testing.T) {
	opts := fakeOptions(t)
	opts.SearchTimeout = 10 * time.Millisecond
	opts.Text.Ready = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	p := decodeBody[problem.Details](t, ask(t, newServer(t, opts), `{"text":"red"}`), http.StatusServiceUnavailable)
	if p.Type != "urn:engram:problem:timeout" {
		t.Errorf("the problem is %s", p.Type)
	}
}

// Why a model is not there is what the visitor reads.
func TestAModelThatIsNotThere(t *testing.T) {
	opts := fakeOptions(t)
	opts.Text.Ready = func(context.Context) error {
		return embed.Sentence(ErrNoText, "the model is not installed")
	}
	opts.Encoder, opts.NoEncoder = nil, "nobody knows the model"
	s := newServer(t, opts)
	for body, want := range map[string]string{
		`{"text":"red"}`: "no-text-model the model is not installed",
		`{"image":"` + base64.StdEncoding.EncodeToString(flatPNG(t, colours[red])) + `"}`: "no-image-model nobody knows the model",
	} {
		p := decodeBody[problem.Details](t, ask(t, s, body), http.StatusNotImplemented)
		if got := strings.TrimPrefix(p.Type, "urn:engram:problem:") + " " + p.Detail; got != want {
			t.Errorf("the problem is %q, wanted %q", got, want)
		}
	}
}
