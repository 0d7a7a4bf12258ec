package ort

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"engram/data/progress"
)

// fetcher keeps one build of the library in the folder dir/build. A build is
// put there atomically, by renaming, while the process holds dir/build.lock.
type fetcher struct {
	dir      string
	build    string
	channels []channel
	progress progress.Func
}

// fetch brings the build into the cache and returns the library's path. Where
// another process fetches it already, it waits for that one.
func (f fetcher) fetch(ctx context.Context) (string, error) {
	if len(f.channels) == 0 {
		return "", fmt.Errorf("onnxruntime %s is not published for this platform: build it, and set ENGRAM_ONNXRUNTIME to the file: %w", f.build, ErrLibrary)
	}
	if err := os.MkdirAll(f.dir, 0o755); err != nil {
		return "", fmt.Errorf("cache folder: %w: %w", err, ErrLibrary)
	}
	unlock, err := lockFile(ctx, filepath.Join(f.dir, f.build+".lock"))
	if err != nil {
		return "", fmt.Errorf("wait for the process that fetches onnxruntime %s: %w", f.build, err)
	}
	defer unlock()
	if path, err := f.cached(); err == nil {
		return path, nil
	}
	var failures []error
	for _, c := range f.channels {
		err := f.try(ctx, c)
		if ctx.Err() != nil {
			return "", fmt.Errorf("fetch onnxruntime %s: %w", f.build, ctx.Err())
		}
		if err == nil {
			return f.cached()
		}
		failures = append(failures, fmt.Errorf("%s: %w", c.name, err))
	}
	return "", fmt.Errorf("onnxruntime %s could not be fetched (%w): install pip or npm with access to the network, or set ENGRAM_ONNXRUNTIME to a libonnxruntime of %s or newer: %w",
		f.build, joined(failures), minVersion, ErrLibrary)
}

// joined makes one line of several errors.
func joined(errs []error) error {
	text := make([]string, len(errs))
	for i, err := range errs {
		text[i] = err.Error()
	}
	return errors.New(strings.Join(text, "; "))
}

// try gets the archive by one channel, checks it, and puts its files in place.
func (f fetcher) try(ctx context.Context, c channel) error {
	// Under the lock the folder is ours; what a killed process left in it goes.
	work := filepath.Join(f.dir, "."+f.build)
	if err := errors.Join(os.RemoveAll(work), os.Mkdir(work, 0o755)); err != nil {
		return err
	}
	defer os.RemoveAll(work)
	stop := f.watch(work, c.archive)
	var err error
	if c.url != "" {
		err = download(ctx, c.url, filepath.Join(work, c.archive.file), c.archive.size)
	} else {
		err = execute(ctx, work, c.command)
	}
	stop()
	if err != nil {
		return err
	}
	file := filepath.Join(work, c.archive.file)
	if err := c.archive.verify(file); err != nil {
		return err
	}
	return f.install(work, file, c.archive)
}

// execute runs a client in folder work, where its own temporary files go too.
// The error ends with the last line that the client wrote.
func execute(ctx context.Context, work string, command []string) error {
	program, err := exec.LookPath(command[0])
	if err != nil {
		return errors.New("not installed")
	}
	cmd := exec.CommandContext(ctx, program, command[1:]...)
	cmd.Dir = work
	cmd.Env = append(os.Environ(), "TMPDIR="+work, "PIP_DISABLE_PIP_VERSION_CHECK=1", "npm_config_cache="+filepath.Join(work, "npm"))
	cmd.WaitDelay = 5 * time.Second
	output, err := cmd.CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(output)), "\n")
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(lines[len(lines)-1]))
	}
	return nil
}

// download gets a URL into a file, at most one byte more than its known size.
func download(ctx context.Context, url, file string, size int64) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, response.Status)
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.LimitReader(response.Body, size+1))
	return errors.Join(err, out.Close())
}

// verify compares a file with the pinned size and hash.
func (a archive) verify(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("it did not bring %s", a.file)
	}
	if info.Size() != a.size {
		return fmt.Errorf("%s has %d bytes, wanted %d", a.file, info.Size(), a.size)
	}
	sum, err := hashFile(path)
	if err != nil {
		return err
	}
	if sum != a.sha256 {
		return fmt.Errorf("%s has sha256 %s, wanted %s", a.file, sum, a.sha256)
	}
	return nil
}

// hashFile returns a file's sha256 in hexadecimal.
func hashFile(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// watch reports the bytes below the folder work as the progress of a until
// stop is called; no report comes after that.
func (f fetcher) watch(work string, a archive) (stop func()) {
	if f.progress == nil {
		return func() {}
	}
	fetched := f.progress.Stage(FetchingStage, "bytes", a.size)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				fetched(min(largest(work), a.size), a.size)
				return
			case <-tick.C:
				fetched(min(largest(work), a.size), a.size)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// largest returns the size of the largest file below a folder, which is the
// growing archive, wherever a client puts it at first.
func largest(folder string) (size int64) {
	// Files that come and go during the walk are of no interest.
	_ = filepath.WalkDir(folder, func(_ string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			if info, err := entry.Info(); err == nil {
				size = max(size, info.Size())
			}
		}
		return nil
	})
	return size
}
