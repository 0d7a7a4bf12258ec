package hubtest

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Repo is a repository.
type Repo struct {
	// Name is "owner/name".
	Name string
	// Files are the files of the branch main.
	Files fs.FS
	// Commit is the commit of main; "" means a hash of the files.
	Commit string
	// Revisions are further branches, tags and references, by their names.
	Revisions map[string]fs.FS
	// LFS says whether a file is kept in LFS, which is identified by its SHA-256 and
	// comes from the other host. nil means files of at least 1 MiB and files that end
	// in .onnx, .onnx_data, .bin, .model or .safetensors.
	LFS func(path string, size int64) bool
	// Licence is what the model card states.
	Licence string
	// Gated repositories need the Server's Token, and so do Private ones.
	Gated, Private bool
	// Renamed is the name that the repository had before; requests for it are
	// redirected.
	Renamed string
}

// file is a file of a revision.
type file struct {
	content []byte
	lfs     bool
	sha256  string
	blob    string // SHA-1 of the git blob, for an LFS file of its pointer
}

// etag is the hash by which the hub names the content.
func (f file) etag() string {
	if f.lfs {
		return f.sha256
	}
	return f.blob
}

// revision is a commit.
type revision struct {
	commit string
	files  map[string]file
}

// paths returns the files' paths in order.
func (r *revision) paths() []string {
	var paths []string
	for p := range r.files {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	return paths
}

// load reads the files of a revision. The commit is a hash of their paths and
// contents.
func (repo Repo) load(fsys fs.FS) (*revision, error) {
	r := &revision{files: map[string]file{}}
	err := fs.WalkDir(fsys, ".", func(p string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(fsys, p)
		r.files[p] = repo.file(p, content)
		return err
	})
	h := sha1.New()
	for _, p := range r.paths() {
		fmt.Fprintf(h, "%s %s %s\n", repo.Name, p, r.files[p].etag())
	}
	r.commit = hex.EncodeToString(h.Sum(nil))
	return r, err
}

func (repo Repo) file(name string, content []byte) file {
	sum := sha256.Sum256(content)
	f := file{content: content, sha256: hex.EncodeToString(sum[:]), lfs: repo.isLFS(name, int64(len(content)))}
	if f.lfs {
		f.blob = blobSHA1(Pointer(content))
	} else {
		f.blob = blobSHA1(content)
	}
	return f
}

func (repo Repo) isLFS(name string, size int64) bool {
	if repo.LFS != nil {
		return repo.LFS(name, size)
	}
	return size >= 1<<20 || slices.Contains([]string{".onnx", ".onnx_data", ".bin", ".model", ".safetensors"}, strings.ToLower(path.Ext(name)))
}

// Pointer returns the Git LFS pointer of a content (git-lfs, docs/spec.md).
func Pointer(content []byte) []byte {
	return fmt.Appendf(nil, "version https://git-lfs.github.com/spec/v1\noid sha256:%x\nsize %d\n", sha256.Sum256(content), len(content))
}

// blobSHA1 returns the hash of a git blob with the content.
func blobSHA1(content []byte) string {
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}
