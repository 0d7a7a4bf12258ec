package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sync/errgroup"

	"engram/data/progress"
	"engram/data/vfs"
)

// Placed is a file that Fetch has put into a folder.
type Placed struct {
	File File
	// How it came there.
	How How
	// Source is the path in the cache of a file that is linked, else "".
	Source string
}

// How says how a file came into a folder.
type How string

// The ways.
const (
	Present      How = "present" // it was there
	Downloaded   How = "downloaded"
	HardLink     How = "hard link"     // to the cache
	SymbolicLink How = "symbolic link" // made now or before, with an absolute target
)

// Fetch puts the files at paths under the folder dir, each at its path there, and
// says how each came there, in the order of paths. A file that is there with the right
// content stays, one with other content is replaced. When Fetch returns nil all are
// whole and durable. When it returns an error, what has arrived is kept for the next
// call, and no file has its own name without its whole content.
func (c *Client) Fetch(ctx context.Context, snap *Snapshot, paths []string, dir string, watch progress.Func) ([]Placed, error) {
	placed, err := c.fetch(ctx, snap, paths, dir, watch)
	if err != nil {
		return nil, fmt.Errorf("hub: %s: %w", snap.Repo, err)
	}
	return placed, nil
}

func (c *Client) fetch(ctx context.Context, snap *Snapshot, paths []string, dir string, watch progress.Func) ([]Placed, error) {
	placed := make([]Placed, len(paths))
	for i, path := range paths {
		f, err := c.file(ctx, snap, path)
		if err != nil {
			return nil, err
		}
		placed[i].File = f
	}
	t := &transfer{c: c, snap: snap, dir: dir, meter: meter{watch: watch, stage: "downloading " + snap.Repo}}
	if complete, err := t.survey(ctx, placed); complete || err != nil {
		return placed, err
	}
	unlock, err := c.lock(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	missing, err := t.place(ctx, placed)
	if err != nil {
		return nil, err
	}
	if err := t.download(ctx, missing); err != nil {
		return nil, err
	}
	return placed, t.removeParts(placed)
}

// transfer is one call of Fetch, which holds the lock of its folder.
type transfer struct {
	c     *Client
	snap  *Snapshot
	dir   string
	meter meter
}

func (t *transfer) target(f File) string { return filepath.Join(t.dir, filepath.FromSlash(f.Path)) }

// survey finds out which files are there, and whether all are, without writing
// anything, so that a complete folder may be read-only. Offline, a file that is
// nowhere is an error.
func (t *transfer) survey(ctx context.Context, placed []Placed) (complete bool, err error) {
	complete = true
	seen := map[string]bool{}
	for i := range placed {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		f := placed[i].File
		switch {
		case seen[f.Path], t.present(&placed[i]):
			placed[i].How = cmp.Or(placed[i].How, Present)
		case t.c.offline && t.c.cached(t.snap, f) == "":
			return false, say(ErrOffline, "%s is neither in %s nor whole in the cache of huggingface_hub, and the network is off", f.Path, t.dir)
		default:
			complete = false
		}
		seen[f.Path] = true
	}
	return complete, nil
}

// present reports whether a file is there, as itself or by a symbolic link.
func (t *transfer) present(p *Placed) bool {
	target := t.target(p.File)
	if !p.File.hashed() || p.File.checkFile(target) != nil {
		return false
	}
	p.How = Present
	if info, err := os.Lstat(target); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		p.How = SymbolicLink
		p.Source, _ = filepath.EvalSymlinks(target)
	}
	return true
}

// place links the files that the cache has and returns the ones that are missing then.
// The process that had the lock before may have brought some.
func (t *transfer) place(ctx context.Context, placed []Placed) (missing []*Placed, err error) {
	for i := range placed {
		p := &placed[i]
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if p.How != "" || t.present(p) {
			continue
		}
		cached := t.c.cached(t.snap, p.File)
		if cached == "" {
			missing = append(missing, p)
			continue
		}
		if p.File.Size <= maxPointerBytes {
			if text, err := os.ReadFile(cached); err == nil && IsPointer(text) {
				return nil, pointerError(p.File.Path)
			}
		}
		if p.How, err = t.link(cached, t.target(p.File)); err != nil {
			return nil, err
		}
		p.Source = cached
	}
	return missing, nil
}

// link gives a file of the cache a second name, or makes a symbolic link to it.
func (t *transfer) link(cached, target string) (How, error) {
	if err := vfs.MkdirAllFS(t.c.fsys, filepath.Dir(target), 0o755); err != nil {
		return "", err
	}
	temporary := filepath.Join(t.dir, stateDir, "link")
	_ = os.Remove(temporary) // of a process that was killed
	how := HardLink
	if err := os.Link(cached, temporary); err != nil {
		how = SymbolicLink
		if err := os.Symlink(cached, temporary); err != nil {
			return "", err
		}
	}
	if err := t.c.fsys.Rename(temporary, target); err != nil {
		return "", err
	}
	// Renaming one name of a file to another of the same file does nothing.
	_ = os.Remove(temporary)
	return how, t.c.fsys.SyncDir(filepath.Dir(target))
}

// download brings the missing files.
func (t *transfer) download(ctx context.Context, missing []*Placed) error {
	if len(missing) == 0 {
		return nil
	}
	var total, have int64
	for _, p := range missing {
		total += p.File.Size
		if info, err := os.Stat(t.part(p.File)); err == nil && info.Size() <= p.File.Size {
			have += info.Size()
		}
	}
	if free, ok := t.c.free(t.dir); ok && free < total-have {
		return say(ErrSpace, "the disk of %s has %s free and the download needs %s", t.dir, megabytes(free), megabytes(total-have))
	}
	t.meter.start(have, total)
	defer t.meter.end()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(t.c.parallel)
	for _, p := range missing {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			d := download{transfer: t, file: p.File}
			p.How = Downloaded
			return d.run(ctx)
		})
	}
	return group.Wait()
}

// part returns the path of the incomplete content of f.
func (t *transfer) part(f File) string { return filepath.Join(t.dir, stateDir, partName(f)) }

// partName returns the name of the incomplete content of f. It holds the hash, so that
// the content of another version is never continued, and tells apart two files of one
// content.
func partName(f File) string {
	return fmt.Sprintf("%s-%08x.part", f.wantedHash(), crc32.ChecksumIEEE([]byte(f.Path)))
}

// removeParts removes what is left of earlier downloads of the folder, but for the
// files of this snapshot, which a later call may ask for.
func (t *transfer) removeParts(placed []Placed) error {
	keep := map[string]bool{lockName: true}
	for _, f := range t.snap.Files {
		keep[partName(f)] = true
	}
	for _, p := range placed {
		keep[partName(p.File)] = false
	}
	state := filepath.Join(t.dir, stateDir)
	entries, err := os.ReadDir(state)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !keep[e.Name()] {
			if err := vfs.RemoveAllFS(t.c.fsys, filepath.Join(state, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// megabytes writes a number of bytes for people, in units of 10⁶ bytes.
func megabytes(n int64) string {
	if n >= 1e9 {
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// diskError adds to an error of a write what a full disk means.
func (t *transfer) diskError(f File, have int64, err error) error {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) {
		return err
	}
	return say(ErrSpace, "the disk of %s is full: %s of %s of %s are kept, make room and try again (%w)",
		t.dir, megabytes(have), megabytes(f.Size), f.Path, err)
}
