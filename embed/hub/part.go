package hub

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"engram/data/vfs"
)

// progressBytes is how much an attempt must bring so that the attempts are counted
// from the beginning.
const progressBytes = 1 << 20

// download brings one file.
type download struct {
	*transfer
	file File
	part vfs.File
	hash hash.Hash // of the bytes that are there
	have int64     // bytes that are there
	// continued says that the bytes came in several answers, so that a wrong hash may
	// be the fault of their seam.
	continued bool
}

// run brings the file to its place.
func (d *download) run(ctx context.Context) (err error) {
	path := d.transfer.part(d.file)
	d.part, err = d.c.fsys.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return d.diskError(d.file, 0, err)
	}
	defer d.part.Close()
	if err := d.resume(); err != nil {
		return err
	}
	if err := d.receive(ctx); err != nil {
		if d.have == 0 || errors.Is(err, ErrChecksum) || errors.Is(err, ErrPointer) {
			_ = d.c.fsys.Remove(path)
		}
		return err
	}
	if err := d.part.Sync(); err != nil {
		return d.diskError(d.file, d.have, err)
	}
	target := d.target(d.file)
	if err := vfs.MkdirAllFS(d.c.fsys, filepath.Dir(target), 0o755); err != nil {
		return err
	}
	if err := d.c.fsys.Rename(path, target); err != nil {
		return err
	}
	return d.c.fsys.SyncDir(filepath.Dir(target))
}

// resume hashes what an earlier call has brought.
func (d *download) resume() error {
	size, err := d.part.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	d.hash = d.file.newHash()
	if size > d.file.Size {
		return d.part.Truncate(0)
	}
	d.have, d.continued = size, size > 0
	_, err = io.CopyBuffer(struct{ io.Writer }{d.hash}, io.NewSectionReader(d.part, 0, size), make([]byte, bufferBytes))
	return err
}

// restart forgets what is there.
func (d *download) restart() error {
	d.meter.add(-d.have)
	d.have, d.continued = 0, false
	d.hash = d.file.newHash()
	return d.part.Truncate(0)
}

// receive brings the rest of the content and checks it.
func (d *download) receive(ctx context.Context) error {
	tries, best := retries{c: d.c}, d.have
	for {
		err := d.attempt(ctx)
		if err == nil {
			err = d.check()
			if err == nil {
				return nil
			}
			if !errors.Is(err, ErrChecksum) || !d.continued {
				return err
			}
			if restartErr := d.restart(); restartErr != nil {
				return restartErr
			}
			err = &transient{err: err}
		}
		d.continued = d.have > 0
		if d.have >= best+progressBytes {
			tries.made, best = 0, d.have
		}
		if err := tries.wait(ctx, err); err != nil {
			return err
		}
	}
}

// check compares the whole content with the file.
func (d *download) check() error {
	if err := d.file.check(d.have, d.hash); err != nil {
		return err
	}
	if d.startsAsPointer() {
		return pointerError(d.file.Path)
	}
	return nil
}

// startsAsPointer reports whether what is there is a Git LFS pointer.
func (d *download) startsAsPointer() bool {
	if d.have > maxPointerBytes {
		return false
	}
	head := make([]byte, d.have)
	n, _ := d.part.ReadAt(head, 0)
	return IsPointer(head[:n])
}

// attempt asks for the bytes that are missing and writes what comes.
func (d *download) attempt(ctx context.Context) error {
	if d.have == d.file.Size {
		return nil
	}
	about := subject{d.snap.Repo, d.snap.Commit, d.file.Path}
	resp, err := d.c.once(ctx, d.c.files, request{method: http.MethodGet, url: d.c.fileURL(about), from: d.have, plain: true, about: about})
	if errors.Is(err, errRange) {
		return d.again(say(ErrAnswer, "%s: %w", d.file.Path, err))
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	content, err := d.accept(resp)
	if err != nil {
		return err
	}
	if err := d.write(content); err != nil {
		return err
	}
	if d.have < d.file.Size {
		if d.startsAsPointer() {
			return pointerError(d.file.Path)
		}
		return &transient{err: say(ErrUnreachable, "%s ended after %d of %d bytes: try again", d.file.Path, d.have, d.file.Size)}
	}
	return nil
}

// again forgets what is there, so that the next attempt asks for all of it.
func (d *download) again(because error) error {
	if err := d.restart(); err != nil {
		return err
	}
	return &transient{err: because}
}

// accept looks at the head of an answer and returns the bytes from d.have on. Where the
// answer has the content from its start, d.have is set to 0.
func (d *download) accept(resp *http.Response) (io.Reader, error) {
	if err := refuseWebPage(resp, d.file.Path); err != nil {
		return nil, err
	}
	encoding := resp.Header.Get("Content-Encoding")
	compressed := encoding != "" && !strings.EqualFold(encoding, "identity")
	if resp.StatusCode == http.StatusPartialContent {
		// A range of compressed content does not continue what is there.
		if from, total, err := parseContentRange(resp.Header.Get("Content-Range")); err != nil || compressed ||
			from != d.have || total >= 0 && total != d.file.Size {
			return nil, d.again(say(ErrAnswer, "%s: the answer has the range %q, wanted the bytes from %d on", d.file.Path, resp.Header.Get("Content-Range"), d.have))
		}
	} else if d.have > 0 {
		if err := d.restart(); err != nil {
			return nil, err
		}
	}
	length, left := resp.ContentLength, d.file.Size-d.have
	// A server may answer less than the range that was asked for (RFC 9110 §15.3.7).
	wrong := length >= 0 && length != left && (length > left || resp.StatusCode == http.StatusOK)
	if wrong && !compressed {
		head, _ := io.ReadAll(io.LimitReader(resp.Body, maxPointerBytes))
		if IsPointer(head) {
			return nil, pointerError(d.file.Path)
		}
		return nil, say(ErrChecksum, "%s: the answer has %d bytes, wanted %d: try again, or set another HF_ENDPOINT", d.file.Path, length, left)
	}
	return decoded(resp)
}

// write appends content to the part. Content that is too long is an error.
func (d *download) write(content io.Reader) error {
	buffer := make([]byte, bufferBytes)
	for {
		n, readErr := content.Read(buffer)
		if int64(n) > d.file.Size-d.have {
			return say(ErrChecksum, "%s has more than the wanted %d bytes: try again, or set another HF_ENDPOINT", d.file.Path, d.file.Size)
		}
		if n > 0 {
			if _, err := d.part.WriteAt(buffer[:n], d.have); err != nil {
				return d.diskError(d.file, d.have, err)
			}
			d.hash.Write(buffer[:n])
			d.have += int64(n)
			d.meter.add(int64(n))
		}
		if errors.Is(readErr, io.EOF) {
			return nil
		}
		if readErr != nil {
			return &transient{err: say(ErrUnreachable, "%s broke off after %d of %d bytes (%w): try again", d.file.Path, d.have, d.file.Size, readErr)}
		}
	}
}

// parseContentRange reads a header such as "bytes 5-9/10"; total is -1 where it is not
// stated (RFC 9110 §14.4).
func parseContentRange(text string) (from, total int64, err error) {
	var to int64
	var end string
	if n, scanErr := fmt.Sscanf(text, "bytes %d-%d/%s", &from, &to, &end); n != 3 {
		return 0, 0, fmt.Errorf("%q is no range: %w", text, scanErr)
	}
	total = -1
	if end != "*" {
		if _, err := fmt.Sscanf(end, "%d", &total); err != nil {
			return 0, 0, fmt.Errorf("%q is no range: %w", text, err)
		}
	}
	if from < 0 || to < from || total >= 0 && to >= total {
		return 0, 0, fmt.Errorf("%q is no range", text)
	}
	return from, total, nil
}
