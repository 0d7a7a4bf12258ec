package hub

import (
	"regexp"
	"strings"
)

// Snapshot is a commit of a repository.
type Snapshot struct {
	// Repo is the repository's name, "owner/name".
	Repo string
	// Commit is the full SHA-1 of the commit, 40 hexadecimal digits.
	Commit string
	// Licence is what the model card states, such as "mit"; "" where it states none.
	Licence string
	// Gated says that a licence must be accepted on the repository's page, and
	// Private that a token of its owner is needed.
	Gated, Private bool
	// Files are the files of the commit.
	Files []File
}

// File is a file of a Snapshot.
type File struct {
	// Path is relative to the top of the repository, with slashes.
	Path string
	// Size is in bytes, -1 where it is not known.
	Size int64
	// SHA256 is the hash of a file that the hub keeps in LFS, and BlobSHA1 the
	// SHA-1 of the git blob of every other file: of "blob ", the size in decimal, a
	// NUL and the content. Both are in hexadecimal. A file has one of them. Where a
	// mirror omits both, Read and Fetch ask for the file's headers.
	SHA256, BlobSHA1 string
}

// hashed reports whether size and content can be checked.
func (f File) hashed() bool { return f.Size >= 0 && (f.SHA256 != "" || f.BlobSHA1 != "") }

// File returns the file at a path.
func (s *Snapshot) File(path string) (File, bool) {
	for _, f := range s.Files {
		if f.Path == path {
			return f, true
		}
	}
	return File{}, false
}

var (
	repoName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,95}(/[A-Za-z0-9._-]{1,96})?$`)
	commitHex = regexp.MustCompile(`^[0-9a-f]{40}$`)
	sha256Hex = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// checkRepo returns an error where repo is no name of a repository.
func checkRepo(repo string) error {
	if !repoName.MatchString(repo) || strings.Contains(repo, "..") || strings.HasSuffix(repo, "/.") {
		return say(ErrNotFound, "hub: %q is no repository, wanted owner/name", repo)
	}
	return nil
}
