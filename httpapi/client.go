package httpapi

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"engram/httpapi/internal/problem"

	"github.com/gin-gonic/gin"
)

// addressOf returns the address of a client. Behind a proxy in Options.Proxies it is the one
// that the proxy forwards. Of an IPv6 address it is the network of 64 bits, because one client
// has a whole network (RFC 4291, section 2.5.4).
func (s *Server) addressOf(c *gin.Context) string {
	host := withoutPort(c.Request.RemoteAddr)
	if s.byProxy(c.Request) {
		host = c.ClientIP()
	}
	address, err := netip.ParseAddr(host)
	if err != nil || address.Unmap().Is4() {
		return host
	}
	network, _ := address.WithZone("").Prefix(64) // an IPv6 address has 64 bits
	return network.String()
}

// byProxy reports whether a request comes from a proxy in Options.Proxies.
func (s *Server) byProxy(r *http.Request) bool {
	from, err := netip.ParseAddr(withoutPort(r.RemoteAddr))
	return err == nil && slices.ContainsFunc(s.opts.Proxies, func(p netip.Prefix) bool { return p.Contains(from.Unmap()) })
}

// scheme returns http or https, as the client asked.
func (s *Server) scheme(r *http.Request) string {
	if r.TLS != nil || s.byProxy(r) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		return "https"
	}
	return "http"
}

// fromHere tells whether a client is on this machine and asks for it by that name. A page
// whose name leads here all of a sudden does not (DNS rebinding), nor does whom a proxy on
// this machine asks for, as far as the proxy says so.
func fromHere(r *http.Request) bool {
	for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(header) != "" {
			return false
		}
	}
	host := withoutPort(r.Host)
	return loopback(withoutPort(r.RemoteAddr)) && (loopback(host) || host == "localhost")
}

// checkHost refuses a request that reaches a server without keys on this machine by a name
// that is none of this machine's. It is a page of another site whose name leads here all of
// a sudden (DNS rebinding), and would read what the server has with the browser of a visitor.
// A browser asks no address by such a name, and keeps keys to the site that they were given.
func (s *Server) checkHost(r *http.Request) error {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if s.opts.Keys != nil || local == nil || !loopback(withoutPort(local.String())) {
		return nil
	}
	host := strings.ToLower(strings.TrimSuffix(withoutPort(r.Host), "."))
	if host == "" || net.ParseIP(host) != nil || host == "localhost" || strings.HasSuffix(host, ".localhost") || slices.Contains(s.opts.Hosts, host) {
		return nil
	}
	s.metrics.Refused("host")
	return fmt.Errorf("the name %.100q is not known to lead to this machine (engram serve --hosts names more): %w", host, problem.ErrForbidden)
}

// withoutPort returns the host of an address.
func withoutPort(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return strings.Trim(address, "[]")
	}
	return host
}

// loopback reports whether a host is the address of the own machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
