package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// ErrAddress says that an address cannot be fetched, or must not be.
var ErrAddress = errors.New("unusable address")

const (
	timeout   = 10 * time.Second
	redirects = 3
)

// Client fetches files from public addresses. It is safe for concurrent use.
type Client struct {
	http http.Client
	most int64 // bytes of a file
}

// New returns a client for files of so many bytes at most. Each connection, also of a
// redirect, goes to an address that allowed accepts; nil: Public.
func New(most int64, allowed func(netip.Addr) bool) *Client {
	if allowed == nil {
		allowed = Public
	}
	// The dialer asks with the address that the name was resolved to, so that no later
	// answer of a name server takes its place.
	dialer := &net.Dialer{Timeout: timeout, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !allowed(to.Addr().Unmap()) {
			return fmt.Errorf("it leads to an address that is not public: %w", ErrAddress)
		}
		return nil
	}}
	return &Client{most: most, http: http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: timeout, MaxIdleConns: 10, IdleConnTimeout: timeout, DisableCompression: true, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > redirects {
				return fmt.Errorf("it leads on more than %d times: %w", redirects, ErrAddress)
			}
			return check(r.URL)
		},
	}}
}

// check refuses what is no address of the web.
func check(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return fmt.Errorf("wanted http://host/… or https://host/… without a password: %w", ErrAddress)
	}
	return nil
}

// Get returns the file at an address. Every error is an ErrAddress, or the context's, and
// says nothing of the server's network.
func (c *Client) Get(ctx context.Context, address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", ErrAddress)
	}
	if err := check(u); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", ErrAddress)
	}
	request.Header.Set("Accept", "image/*")
	request.Header.Set("User-Agent", "engram")
	response, err := c.http.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if wrapped, ok := errors.AsType[*url.Error](err); ok && errors.Is(wrapped.Err, ErrAddress) {
			return nil, fmt.Errorf("it must not be fetched, or leads to where nothing may be: %w", ErrAddress)
		}
		return nil, fmt.Errorf("it does not answer: %w", ErrAddress)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answers with status %d: %w", response.StatusCode, ErrAddress)
	}
	file, err := io.ReadAll(io.LimitReader(response.Body, c.most+1))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fmt.Errorf("its answer breaks off: %w", ErrAddress)
	case int64(len(file)) > c.most:
		return nil, fmt.Errorf("its file has more than %d bytes: %w", c.most, ErrAddress)
	}
	return file, nil
}

// Public reports whether an address is one of the open internet: neither private nor of
// this machine or link, nor reserved (IANA's registries of special-purpose addresses), nor
// one that leads to an IPv4 address of these.
func Public(a netip.Addr) bool {
	a = a.WithZone("").Unmap() // a prefix contains no address with a zone
	if !a.IsGlobalUnicast() || a.IsPrivate() {
		return false
	}
	for _, special := range special() {
		if special.Contains(a) {
			return false
		}
	}
	return true
}

// special returns networks that do not belong to the public internet and that package
// netip has no method for.
func special() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
		netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
		netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
		netip.MustParsePrefix("::/96"), netip.MustParsePrefix("::ffff:0:0:0/96"), // IPv4 addresses, of RFC 4291, section 2.5.5.1, and RFC 2765
		netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
		netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
		netip.MustParsePrefix("3fff::/20"), netip.MustParsePrefix("5f00::/16"), netip.MustParsePrefix("fec0::/10"),
	}
}
