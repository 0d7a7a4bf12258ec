package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealth(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			http.NotFound(w, r)
			return
		}
		w.WriteHeader(status)
	}))
	addr := strings.TrimPrefix(server.URL, "http://")
	c := &cli{t: t}
	if out := c.must("health", "--addr", addr); out != "" {
		t.Errorf("it says %q of a healthy server, wanted nothing", out)
	}
	status = http.StatusServiceUnavailable
	c.refuse([]string{"answers 503", addr}, "health", "--addr", addr)
	server.Close()
	c.refuse([]string{addr, "refused"}, "health", "--addr", addr)
	c.refuse([]string{"--addr"}, "health", "--addr", "a b")
}
