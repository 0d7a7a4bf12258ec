package app

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

// listenerAt is a listener that says that it is at an address.
type listenerAt struct {
	net.Listener
	address string
}

func (l listenerAt) Addr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(l.address))
}

// A server that others reach says what is open to them.
func TestWhatIsOpenToOthers(t *testing.T) {
	for _, c := range []struct {
		address   string
		keys, tls bool
		want      string
	}{
		{"127.0.0.1:8080", false, false, ""},
		{"[::1]:8080", true, false, ""},
		{"0.0.0.0:8080", false, false, "everybody"},
		{"192.0.2.1:8080", false, true, "everybody"},
		{"[::]:8080", true, false, "TLS"},
		{"0.0.0.0:8443", true, true, ""},
	} {
		l := &Listening{main: listenerAt{address: c.address}, tls: c.tls}
		if got := l.open(c.keys); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q", c, got)
		}
	}
}
