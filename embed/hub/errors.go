package hub

import (
	"errors"
	"fmt"
)

// What a caller may want to tell apart.
var (
	// ErrNotFound reports a repository that does not exist, or that is private
	// where the token does not open it. The hub does not tell the two apart.
	ErrNotFound = errors.New("no such repository")
	// ErrRevision reports a branch, tag or commit that the repository lacks.
	ErrRevision = errors.New("no such revision")
	// ErrFile reports a file that the revision lacks, or a path that is none.
	ErrFile = errors.New("no such file")
	// ErrGated reports a repository whose licence must be accepted on its page.
	ErrGated = errors.New("gated repository")
	// ErrUnauthorized reports a token that the hub refuses.
	ErrUnauthorized = errors.New("not authorized")
	// ErrOffline reports what is neither on disk nor in the cache while the network
	// is off.
	ErrOffline = errors.New("offline")
	// ErrPointer reports a Git LFS pointer in place of a file.
	ErrPointer = errors.New("git LFS pointer")
	// ErrChecksum reports content that is not the one that was wanted.
	ErrChecksum = errors.New("checksum mismatch")
	// ErrRate reports a server that asked to wait longer than a Client does.
	ErrRate = errors.New("too many requests")
	// ErrAnswer reports an answer that no hub gives, such as a web page of a proxy.
	ErrAnswer = errors.New("not an answer of a hub")
	// ErrUnreachable reports a server that gave no useful answer after all attempts.
	ErrUnreachable = errors.New("unreachable")
	// ErrSpace reports a disk that is too full.
	ErrSpace = errors.New("not enough disk space")
)

// sentence is an error whose text is a whole sentence, and whose kind is a sentinel
// that adds nothing to it.
type sentence struct {
	error
	kind error
}

// say returns an error of a kind with the text that fmt.Errorf makes.
func say(kind error, format string, args ...any) error {
	return &sentence{fmt.Errorf(format, args...), kind}
}

// Unwrap returns the kind and what the text was made of.
func (s *sentence) Unwrap() []error { return []error{s.kind, s.error} }
