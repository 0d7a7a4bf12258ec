package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// ListenSpec says where a server listens.
type ListenSpec struct {
	Addr string // host:port
	// Admin is where counters and profiles are, "" for nowhere (see httpapi.Server.Admin).
	Admin string
	// Cert and Key are the files of a certificate for TLS; "": none. They are read again when
	// they change.
	Cert, Key string
}

// Listening is where a server listens.
type Listening struct {
	main, admin net.Listener // admin may be nil
	tls         bool
}

// Listen opens the listeners of a server, which Serve closes.
func Listen(ctx context.Context, spec ListenSpec) (_ *Listening, err error) {
	if (spec.Cert == "") != (spec.Key == "") {
		return nil, errors.New("wanted --tls-cert and --tls-key together")
	}
	var c *certificate
	if spec.Cert != "" {
		c = &certificate{cert: spec.Cert, key: spec.Key}
		if _, err := c.get(nil); err != nil {
			return nil, err
		}
	}
	l := &Listening{tls: c != nil}
	if l.main, err = new(net.ListenConfig).Listen(ctx, "tcp", spec.Addr); err != nil {
		return nil, err
	}
	if c != nil {
		l.main = tls.NewListener(l.main, &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}})
	}
	if spec.Admin != "" {
		if l.admin, err = new(net.ListenConfig).Listen(ctx, "tcp", spec.Admin); err != nil {
			return nil, errors.Join(err, l.main.Close())
		}
	}
	return l, nil
}

// URL returns the address of the page.
func (l *Listening) URL() string {
	if l.tls {
		return fmt.Sprintf("https://%s/", l.main.Addr())
	}
	return fmt.Sprintf("http://%s/", l.main.Addr())
}

// open says what others can do who reach a server from another machine, "" where nothing is
// open to them. keys says whether clients need one.
func (l *Listening) open(keys bool) string {
	at, err := netip.ParseAddrPort(l.main.Addr().String())
	switch {
	case err != nil || at.Addr().IsLoopback() || keys && l.tls:
		return ""
	case keys:
		return "keys and answers can be read on their way: " + l.URL() + " has no TLS (--tls-cert)"
	}
	return "everybody who reaches " + l.URL() + " can read all of the index: clients need no key (--keys)"
}

// AdminURL returns the address of the counters, "" where they are nowhere.
func (l *Listening) AdminURL() string {
	if l.admin == nil {
		return ""
	}
	return fmt.Sprintf("http://%s/metrics", l.admin.Addr())
}

// certificate is a certificate in files.
type certificate struct {
	cert, key string

	mu    sync.Mutex
	read  time.Time // when the files were last changed
	known *tls.Certificate
}

// get returns the certificate as the files have it now. Of files that are being changed
// the one before is returned.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed, err := newest(c.cert, c.key)
	if err == nil && !changed.Equal(c.read) || c.known == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(c.cert, c.key); err == nil {
			c.known, c.read = &pair, changed
		}
	}
	if c.known == nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return c.known, nil
}

// newest returns when the last of the files was changed.
func newest(paths ...string) (last time.Time, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return last, err
		}
		if info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last, nil
}
