package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestPublicAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"93.184.216.34": true, "2606:2800:220:1::1": true, "::ffff:93.184.216.34": true,
		"127.0.0.1": false, "127.9.9.9": false, "0.0.0.0": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false,
		"100.64.0.1": false, "198.18.0.1": false, "224.0.0.1": false, "255.255.255.255": false, "::1": false, "::": false, "fe80::1": false, "fd00::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "ff02::1": false, "fec0::1": false,
		"::7f00:1": false, "::ffff:0:7f00:1": false, "64:ff9b::7f00:1%eth0": false, "2002:7f00:1::%1": false, "fd00::1%eth0": false, "2606:2800:220:1::1%eth0": true,
	} {
		if got := Public(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is public: %v, wanted %v", address, got, want)
		}
	}
}

// No address, and no redirect, leads into the server's own network.
func TestNothingIsFetchedFromTheOwnNetwork(t *testing.T) {
	asked := 0
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer inside.Close()
	c := New(100, nil)
	port := inside.URL[strings.LastIndex(inside.URL, ":"):]
	for _, address := range []string{
		inside.URL, "http://localhost" + port, "http://127.1" + port, "http://2130706433" + port, "http://[::1]" + port, "http://[::ffff:127.0.0.1]" + port, "http://0" + port,
		"file:///etc/passwd", "ftp://example.com/a", "http://user:pass@127.0.0.1" + port, "http://", "", "http://%zz", "//127.0.0.1" + port,
	} {
		if _, err := c.Get(t.Context(), address); !errors.Is(err, ErrAddress) {
			t.Errorf("%s: error %v", address, err)
		}
	}
	// A server outside that sends the client inside.
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(inside.URL, "127.0.0.1", "127.0.0.2", 1), http.StatusFound)
	}))
	defer outside.Close()
	c = New(100, func(a netip.Addr) bool { return a == netip.MustParseAddr("127.0.0.1") })
	if _, err := c.Get(t.Context(), outside.URL); !errors.Is(err, ErrAddress) || strings.Contains(err.Error(), "127") {
		t.Errorf("a redirect inside: error %v", err)
	}
	if asked != 0 {
		t.Errorf("the server inside was asked %d times", asked)
	}
}

func TestFilesAreBounded(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/gone":
			http.NotFound(w, r)
		case "/slow":
			<-r.Context().Done()
		default:
			fmt.Fprint(w, strings.Repeat("x", len(r.URL.Path)*25))
		}
	}))
	defer server.Close()
	c := New(100, func(netip.Addr) bool { return true })
	if file, err := c.Get(t.Context(), server.URL+"/aaa"); err != nil || len(file) != 100 {
		t.Errorf("%d bytes, %v", len(file), err)
	}
	for _, path := range []string{"/aaaa", "/loop", "/gone"} {
		if _, err := c.Get(t.Context(), server.URL+path); !errors.Is(err, ErrAddress) {
			t.Errorf("%s: error %v", path, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Get(ctx, server.URL+"/slow"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func ExamplePublic() {
	fmt.Println(Public(netip.MustParseAddr("93.184.216.34")), Public(netip.MustParseAddr("169.254.169.254")))
	// Output: true false
}
