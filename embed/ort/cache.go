package ort

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// stampName is the file beside a cached library that describes its files.
const stampName = "stamp.json"

// stamp describes the files of a cached build, the library first.
type stamp struct {
	Files []stampedFile `json:"files"`
}

// stampedFile is what a file was when it was written. Where size and time are
// the same the file is taken to be; else its hash decides.
type stampedFile struct {
	Name     string    `json:"name"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	SHA256   string    `json:"sha256"`
}

// cached returns the path of the cached library, or says in a sentence why it
// is not usable.
func (f fetcher) cached() (string, error) {
	folder := filepath.Join(f.dir, f.build)
	b, err := os.ReadFile(filepath.Join(folder, stampName))
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("the cache %s has no build %s", f.dir, f.build)
	}
	if err != nil {
		return "", err
	}
	var s stamp
	if err := json.Unmarshal(b, &s); err != nil || len(s.Files) == 0 {
		return "", fmt.Errorf("%s is damaged", filepath.Join(folder, stampName))
	}
	for _, file := range s.Files {
		if err := file.check(folder); err != nil {
			return "", err
		}
	}
	return filepath.Join(folder, s.Files[0].Name), nil
}

func (s stampedFile) check(folder string) error {
	file := filepath.Join(folder, s.Name)
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if info.Size() == s.Size && info.ModTime().Equal(s.Modified) {
		return nil
	}
	sum, err := hashFile(file)
	if err != nil {
		return err
	}
	if sum != s.SHA256 {
		return fmt.Errorf("%s has sha256 %s, wanted %s", file, sum, s.SHA256)
	}
	return nil
}

// install takes the members out of a verified archive and renames them into
// place as one folder; a damaged build there makes room.
func (f fetcher) install(work, file string, a archive) error {
	staged := filepath.Join(work, "staged")
	if err := os.Mkdir(staged, 0o755); err != nil {
		return err
	}
	if err := extract(file, staged, a.members); err != nil {
		return fmt.Errorf("%s: %w", a.file, err)
	}
	var s stamp
	for _, member := range a.members {
		name := path.Base(member)
		info, err := os.Stat(filepath.Join(staged, name))
		if err != nil {
			return err
		}
		sum, err := hashFile(filepath.Join(staged, name))
		if err != nil {
			return err
		}
		s.Files = append(s.Files, stampedFile{name, info.Size(), info.ModTime(), sum})
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(staged, stampName), bytes.NewReader(b)); err != nil {
		return err
	}
	final := filepath.Join(f.dir, f.build)
	if err := os.RemoveAll(final); err != nil {
		return err
	}
	return os.Rename(staged, final)
}

// extract writes the members of a .whl (zip) or .tgz archive to a folder, each
// under its base name.
func extract(file, folder string, members []string) error {
	left := make(map[string]bool, len(members))
	for _, m := range members {
		left[m] = true
	}
	take := func(name string, r io.Reader) error {
		delete(left, name)
		return writeFile(filepath.Join(folder, path.Base(name)), r)
	}
	var err error
	if strings.HasSuffix(file, ".whl") {
		err = extractZip(file, left, take)
	} else {
		err = extractTar(file, left, take)
	}
	if err != nil {
		return err
	}
	for m := range left {
		return fmt.Errorf("it does not hold %s", m)
	}
	return nil
}

func extractZip(file string, wanted map[string]bool, take func(string, io.Reader) error) error {
	z, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, entry := range z.File {
		if !wanted[entry.Name] {
			continue
		}
		r, err := entry.Open()
		if err != nil {
			return err
		}
		if err := errors.Join(take(entry.Name, r), r.Close()); err != nil {
			return err
		}
	}
	return nil
}

func extractTar(file string, wanted map[string]bool, take func(string, io.Reader) error) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		return err
	}
	for t := tar.NewReader(z); len(wanted) > 0; {
		header, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		// Some archives write their names with a leading "./".
		if name := path.Clean(header.Name); wanted[name] && header.Typeflag == tar.TypeReg {
			if err := take(name, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeFile writes and syncs a new file.
func writeFile(name string, r io.Reader) error {
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, r)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

// lockFile takes the lock of a file between processes, waiting until it is
// free or ctx ends.
func lockFile(ctx context.Context, name string) (unlock func(), err error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { file.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), file.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), file.Close())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
