package qdrant_test

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"engram/index"
	"engram/index/qdrant"
	"engram/index/qdrant/double"
)

// A server that speaks something else is said so at once, without attempts.
func TestTheWrongPortIsNamed(t *testing.T) {
	rest := httptest.NewServer(http.NotFoundHandler())
	defer rest.Close()
	both := httptest.NewUnstartedServer(http.NotFoundHandler()) // HTTP/2 too, as some proxies have it
	both.Config.Protocols = new(http.Protocols)
	both.Config.Protocols.SetUnencryptedHTTP2(true)
	both.Config.Protocols.SetHTTP1(true)
	both.Start()
	defer both.Close()
	plain := start(t, double.Options{})
	for addr, c := range map[string]struct {
		tls  *tls.Config
		want string
	}{
		rest.Listener.Addr().String(): {nil, "port of gRPC, 6334"}, both.Listener.Addr().String(): {nil, "port of gRPC, 6334"},
		plain.Addr(): {&tls.Config{MinVersion: tls.VersionTLS12}, "answers without TLS: wanted qdrant://"},
	} {
		began := time.Now()
		_, err := qdrant.Open(t.Context(), qdrant.Options{Addr: addr, Collection: "photos", TLS: c.tls})
		if !errors.Is(err, index.ErrUnavailable) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "http2") {
			t.Errorf("error %v, want ErrUnavailable and %q", err, c.want)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %v to say %v", took, err)
		}
	}
}
