package hub

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// cacheFolder returns the folder of a repository in the cache of huggingface_hub.
//
// The folder has blobs/<hash>, refs/<revision> (a text file with the commit) and
// snapshots/<commit>/<path>, a link to a blob or, where the system has no links, a
// copy of it (huggingface_hub, file_download.py and constants.py).
func (c *Client) cacheFolder(repo string) string {
	return filepath.Join(c.cache, "models--"+strings.ReplaceAll(repo, "/", "--"))
}

// cached returns the path of a file of the cache with the content of f, with no
// links in it, and "" where there is none.
func (c *Client) cached(snap *Snapshot, f File) string {
	if c.cache == "" || !f.hashed() {
		return ""
	}
	folder := c.cacheFolder(snap.Repo)
	for _, path := range []string{
		filepath.Join(folder, "blobs", f.wantedHash()),
		filepath.Join(folder, "snapshots", snap.Commit, filepath.FromSlash(f.Path)),
	} {
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			continue
		}
		if real, err = filepath.Abs(real); err == nil && f.checkFile(real) == nil {
			return real
		}
	}
	return ""
}

// cachedSnapshot returns what the cache has of a revision, which may be some of its
// files.
func (c *Client) cachedSnapshot(repo, revision string) (*Snapshot, error) {
	none := say(ErrOffline, "hub: %s at %s is not in the cache %s, and the network is off", repo, revision, cmp.Or(c.cache, "(there is none)"))
	if c.cache == "" || !fs.ValidPath(revision) {
		return nil, none
	}
	commit := revision
	if !commitHex.MatchString(commit) {
		text, err := os.ReadFile(filepath.Join(c.cacheFolder(repo), "refs", filepath.FromSlash(revision)))
		if commit = strings.TrimSpace(string(text)); err != nil || !commitHex.MatchString(commit) {
			return nil, none
		}
	}
	snap := &Snapshot{Repo: repo, Commit: commit}
	top := filepath.Join(c.cacheFolder(repo), "snapshots", commit)
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		f, err := cachedFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a link whose blob is gone
		}
		if err != nil {
			return err
		}
		below, err := filepath.Rel(top, path)
		f.Path = filepath.ToSlash(below)
		snap.Files = append(snap.Files, f)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(snap.Files) == 0 {
		return nil, none
	}
	if err != nil {
		return nil, fmt.Errorf("hub: the cache of %s: %w", repo, err)
	}
	slices.SortFunc(snap.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return snap, nil
}

// cachedFile returns size and hash of a file of a snapshot in the cache. A link leads
// to a blob whose name is the hash. A copy is hashed here.
func cachedFile(path string) (File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return File{}, err
	}
	f := File{Size: info.Size()}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return File{}, err
	}
	switch name := filepath.Base(real); {
	case real != path && sha256Hex.MatchString(name):
		f.SHA256 = name
	case real != path && commitHex.MatchString(name):
		f.BlobSHA1 = name
	default:
		f.SHA256, err = hashFile(path)
	}
	return f, err
}
