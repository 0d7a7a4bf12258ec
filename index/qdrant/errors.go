package qdrant

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"engram/index"

	api "github.com/qdrant/go-client/qdrant"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ErrVersion says that the server is of a version that the package does not
// know.
var ErrVersion = errors.New("unsupported Qdrant version")

// retryAfter reports whether a call that ended with err is worth another
// attempt, and after what wait. Other refusals, such as a full disk or a reply
// that is too large, would come again.
func retryAfter(err error, attempt int) (time.Duration, bool) {
	if limited, ok := errors.AsType[*api.QdrantResourceExhaustedError](err); ok {
		asked := time.Duration(limited.RetryAfterS) * time.Second
		return max(asked, backoffWait(attempt)), asked <= longestWait
	}
	reply := status.Convert(unwrap(err))
	return backoffWait(attempt), reply.Code() == codes.Unavailable && otherProtocol(reply.Message()) == ""
}

// otherProtocol says what a server speaks that does not speak gRPC as it was asked
// to, by the words of the libraries below; "" where it does not look like that.
func otherProtocol(message string) string {
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(message, part) })
	}
	switch {
	case has("http2: frame too large", "HTTP/1.", "unexpected HTTP status code", "unexpected content-type"):
		return "answers HTTP, not gRPC, as Qdrant does at its REST port, 6333 by default: wanted the port of gRPC, 6334 by default"
	case has("first record does not look like a TLS handshake"):
		return "answers without TLS: wanted qdrant://, not qdrants://"
	}
	return ""
}

// unwrap returns the error inside the client's own, whose status its wrapper
// hides from status.FromError's message.
func unwrap(err error) error {
	if wrapped, ok := errors.AsType[*api.QdrantError](err); ok {
		return wrapped.Unwrap()
	}
	return err
}

// explain makes one sentence of an error of a call, marked with the error of
// package index that it amounts to.
func (s *server) explain(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("qdrant: %s: %w", what, ctx.Err())
	}
	if limited, ok := errors.AsType[*api.QdrantResourceExhaustedError](err); ok {
		return fmt.Errorf("qdrant: %s: %s is busy and asks to come back in %d s: %s: %w",
			what, s.addr, limited.RetryAfterS, limited.Reason, index.ErrUnavailable)
	}
	reply := status.Convert(unwrap(err))
	if speaks := otherProtocol(reply.Message()); speaks != "" {
		return fmt.Errorf("qdrant: %s: the server at %s %s: %w", what, s.addr, speaks, index.ErrUnavailable)
	}
	switch reply.Code() {
	case codes.Unavailable:
		return fmt.Errorf("qdrant: %s: no server at %s: %s: %w", what, s.addr, reason(reply.Message()), index.ErrUnavailable)
	case codes.DeadlineExceeded:
		return fmt.Errorf("qdrant: %s: no answer from %s within %v: %w", what, s.addr, s.timeout, index.ErrUnavailable)
	case codes.NotFound:
		return fmt.Errorf("qdrant: %s at %s: %s: %w", what, s.addr, reply.Message(), index.ErrNotFound)
	case codes.AlreadyExists:
		return fmt.Errorf("qdrant: %s at %s: %s: %w", what, s.addr, reply.Message(), fs.ErrExist)
	case codes.Unauthenticated, codes.PermissionDenied:
		return fmt.Errorf("qdrant: %s: %s refuses the API key: %s: %w", what, s.addr, reply.Message(), fs.ErrPermission)
	}
	return fmt.Errorf("qdrant: %s at %s: %s (%s)", what, s.addr, reply.Message(), reply.Code())
}

// reason takes what gRPC puts around the error of a connection off it.
func reason(message string) string {
	if _, inner, ok := strings.Cut(message, `"transport: Error while dialing: `); ok {
		return strings.TrimSuffix(inner, `"`)
	}
	return message
}
