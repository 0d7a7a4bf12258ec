package hub

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// transient is an error that may be gone at the next attempt.
type transient struct {
	err   error
	after time.Duration // what the server asks to wait, 0 where it does not
}

func (t *transient) Error() string { return t.err.Error() }
func (t *transient) Unwrap() error { return t.err }

// retries counts the attempts of one task.
type retries struct {
	c    *Client
	made int
}

// wait returns nil when it is time for the next attempt after err, and an error where
// there is none.
func (r *retries) wait(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var t *transient
	if !errors.As(err, &t) {
		return err
	}
	p := r.c.patience
	if t.after > p.LongestWait {
		return fmt.Errorf("%w (it asks to wait %v)", err, t.after.Round(time.Second))
	}
	if r.made++; r.made >= p.Attempts {
		if p.Attempts > 1 {
			return fmt.Errorf("%w (%d attempts)", err, r.made)
		}
		return err
	}
	pause := t.after
	if pause == 0 {
		pause = p.LongestWait
		if shift := r.made - 1; shift < 20 {
			pause = min(pause, p.FirstWait<<shift)
		}
		pause -= time.Duration(rand.Int64N(int64(pause)/2 + 1))
	}
	r.c.log.Info("trying again", "because", err, "in", pause.Round(time.Millisecond))
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// retryAfter returns how long an answer asks to wait: by Retry-After, seconds or a
// date (RFC 9110 §10.2.3), or by the field t of RateLimit, seconds until the quota is
// there again, where its field r, the requests that are left, is 0. It is 0 where the
// answer does not say.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if text := strings.TrimSpace(h.Get("Retry-After")); text != "" {
		if date, err := http.ParseTime(text); err == nil {
			return max(date.Sub(now), 0)
		}
		return seconds(text)
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(h.Get("RateLimit"), ";") {
		if key, value, ok := strings.Cut(strings.TrimSpace(part), "="); ok {
			fields[key] = value
		}
	}
	if fields["r"] == "0" {
		return seconds(fields["t"])
	}
	return 0
}

// seconds reads a whole number of seconds, at most a day; 0 where it is none.
func seconds(text string) time.Duration {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0
	}
	return time.Duration(min(n, 86400)) * time.Second
}
