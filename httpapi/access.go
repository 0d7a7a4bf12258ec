package httpapi

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"engram/httpapi/internal/problem"
	"engram/httpapi/keys"

	"github.com/gin-gonic/gin"
)

// authorize refuses a request whose client may not do what a route of the given role
// does, or asks too often. counted says whether the request counts towards its rate.
func (s *Server) authorize(c *gin.Context, role keys.Role, counted bool) error {
	client := ""
	if role != "" {
		if err := s.checkHost(c.Request); err != nil {
			return err
		}
	}
	if role != "" && s.opts.Keys != nil {
		key, err := s.keyOf(c)
		if err != nil {
			return err
		}
		if !key.Role.Allows(role) {
			s.metrics.Refused("role")
			return fmt.Errorf("the key %q has the role %s, and this takes %s: %w", key.Name, key.Role, role, problem.ErrForbidden)
		}
		client = "key " + key.Name
	}
	if role != "" && role != keys.Read {
		if s.opts.Keys == nil && !fromHere(c.Request) {
			s.metrics.Refused("key")
			return fmt.Errorf("this server has no keys (engram serve --keys), and lets only its own machine write: %w", problem.ErrForbidden)
		}
		// A browser sends the key that it remembers wherever a page of another site asks it to.
		if err := s.origins.Check(c.Request); err != nil {
			s.metrics.Refused("origin")
			return fmt.Errorf("a page of another site wants to write here: %w", problem.ErrForbidden)
		}
	}
	if s.rates == nil || !counted {
		return nil
	}
	if client == "" {
		client = s.addressOf(c)
	}
	if wait := s.rates.Take(client, time.Now()); wait > 0 {
		s.metrics.Refused("rate")
		retryAfter(c, wait)
		return fmt.Errorf("there were more requests than %g a second: %w", s.opts.Rate, problem.ErrTooMany)
	}
	return nil
}

// keyOf returns the key that a request has. Where too many unknown keys came from an
// address, only keys are taken that were right from there before: a proxy or an office has
// one address for all its clients.
func (s *Server) keyOf(c *gin.Context) (keys.Key, error) {
	secret := secretOf(c.Request)
	key, err := s.opts.Keys.Find(secret)
	if err != nil && !errors.Is(err, keys.ErrUnknown) {
		return key, err
	}
	address := s.addressOf(c)
	client := address + " " + key.SHA256
	if err == nil && s.accepted.Has(client) {
		return key, nil
	}
	now := time.Now()
	if wait := s.guesses.Spent(address, now); wait > 0 {
		s.metrics.Refused("key")
		retryAfter(c, wait)
		return keys.Key{}, fmt.Errorf("too many unknown keys came from this address: %w", problem.ErrTooMany)
	}
	if err == nil {
		s.accepted.Add(client)
		return key, nil
	}
	s.metrics.Refused("key")
	c.Writer.Header().Add("WWW-Authenticate", `Bearer realm="engram"`)
	c.Writer.Header().Add("WWW-Authenticate", `Basic realm="engram (any name, and the key as the password)", charset="UTF-8"`)
	if secret == "" {
		return key, fmt.Errorf("the request has no key, wanted Authorization: Bearer KEY: %w", problem.ErrUnauthorized)
	}
	s.guesses.Take(address, now)
	return key, fmt.Errorf("the request's key is none of this server's: %w", problem.ErrUnauthorized)
}

// secretOf returns the key that a request has as a bearer token (RFC 6750, section 2.1),
// as X-Api-Key, or as the password that a browser asks its user for (RFC 7617).
func secretOf(r *http.Request) string {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	return r.Header.Get("X-Api-Key")
}

// retryAfter says when a client may come again, in whole seconds.
func retryAfter(c *gin.Context, wait time.Duration) {
	c.Header("Retry-After", strconv.Itoa(max(1, int(math.Ceil(wait.Seconds())))))
}
