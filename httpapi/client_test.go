package httpapi

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"engram/httpapi/keys"
)

// Behind a proxy each client has limits of its own, and nobody chooses an address by a
// header.
func TestAProxyTellsWhoItsClientsAre(t *testing.T) {
	opts, secrets := guarded(t)
	opts.Proxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	s := newServer(t, opts)
	ask := func(from, forwarded, key string) int {
		r := httptest.NewRequest(http.MethodGet, "/v1/info", nil)
		r.RemoteAddr = from
		r.Header.Set("X-Forwarded-For", forwarded)
		r.Header.Set("X-Api-Key", key)
		return call(t, s, r).Code
	}
	for range guessesAtOnce + 1 {
		ask("10.0.0.1:9", "192.0.2.1, 192.0.2.7", "guess")
	}
	for name, c := range map[string]struct {
		from, forwarded string
		want            int
	}{
		"the one who guessed":                  {"10.0.0.1:10", "192.0.2.7", 429},
		"under another name":                   {"10.0.0.1:10", "192.0.2.99, 192.0.2.7", 429},
		"another client of the proxy":          {"10.0.0.1:10", "192.0.2.8", 200},
		"by two proxies":                       {"10.0.0.1:10", "192.0.2.7, 10.0.0.2", 429},
		"one who names the address of another": {"198.51.100.1:10", "192.0.2.7", 200},
	} {
		if got := ask(c.from, c.forwarded, secrets[keys.Read]); got != c.want {
			t.Errorf("%s: status %d, wanted %d", name, got, c.want)
		}
	}
}

// A page of another site whose name leads to this machine all of a sudden reads nothing
// (DNS rebinding).
func TestANameOfAnotherSiteReadsNothing(t *testing.T) {
	opts := fakeOptions(t)
	opts.Hosts = []string{"photos.example.com"}
	ask := func(s *Server, local, host, path string) int {
		ctx := context.WithValue(t.Context(), http.LocalAddrContextKey, net.Addr(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(local))))
		r := httptest.NewRequest(http.MethodGet, path, nil).WithContext(ctx)
		r.Host = host
		return answerOf(s, r).Code
	}
	s := newServer(t, opts)
	for _, host := range []string{"127.0.0.1:8080", "localhost:8080", "localhost", "LocalHost.:80", "app.localhost", "[::1]:8080", "192.0.2.1", "Photos.example.com:443", ""} {
		for _, path := range []string{"/", "/v1/items", "/v1/items/1/image", "/healthz"} {
			if got := ask(s, "127.0.0.1:8080", host, path); got != 200 {
				t.Errorf("%s by the name %q: status %d", path, host, got)
			}
		}
	}
	for _, host := range []string{"evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "evilphotos.example.com"} {
		for path, want := range map[string]int{"/": 403, "/v1/items": 403, "/v1/items/1/image": 403, "/assets/app.js": 403, "/healthz": 200} {
			if got := ask(s, "[::1]:8080", host, path); got != want {
				t.Errorf("%s by the name %q: status %d, wanted %d", path, host, got, want)
			}
		}
	}
	if got := ask(s, "192.0.2.1:8080", "lab.example", "/v1/items"); got != 200 {
		t.Errorf("a server that others reach: status %d", got)
	}
	guardedOpts, _ := guarded(t)
	if got := ask(newServer(t, guardedOpts), "127.0.0.1:8080", "lab.example", "/v1/items"); got != 401 {
		t.Errorf("a server with keys: status %d, wanted 401", got)
	}
}

// Whom a proxy on this machine asks for is not on this machine.
func TestWhoWritesWithoutKeysIsHere(t *testing.T) {
	for _, c := range []struct {
		from, host, header, value string
		want                      bool
	}{
		{"127.0.0.1:9", "localhost:8080", "", "", true},
		{"[::1]:9", "[::1]:8080", "", "", true},
		{"127.0.0.1:9", "evil.example", "", "", false},
		{"192.0.2.1:9", "localhost", "", "", false},
		{"127.0.0.1:9", "127.0.0.1:8080", "X-Forwarded-For", "192.0.2.1", false},
		{"127.0.0.1:9", "127.0.0.1:8080", "Forwarded", "for=192.0.2.1", false},
		{"127.0.0.1:9", "127.0.0.1:8080", "Via", "1.1 proxy", false},
	} {
		r := httptest.NewRequest(http.MethodPost, "/v1/items", nil)
		r.RemoteAddr, r.Host = c.from, c.host
		r.Header.Set(c.header, c.value)
		if got := fromHere(r); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
