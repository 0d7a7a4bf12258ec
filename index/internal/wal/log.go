package wal

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"engram/data/vfs"
)

// Log is a log that is open for appending. Append and Wait may be called
// concurrently.
type Log struct {
	number uint64
	file   vfs.File
	group  time.Duration

	mu      sync.Mutex
	turned  *sync.Cond // synced, syncing or err has changed
	end     int64      // where the next frame goes
	last    uint64     // the last frame that was appended
	synced  uint64     // the last frame that is durable
	syncing bool       // a call of Wait is syncing, or waits for more to sync
	began   time.Time  // when the last sync began
	turn    int        // of the next mark
	err     error      // why nothing can be appended any more
}

// Create makes the log with a number in the folder dir and syncs it; the caller syncs
// the folder. Nothing may be there under its name. Syncs begin the time group apart, so that
// one makes durable what came meanwhile, and wait a quarter of it for more at least.
func Create(fsys vfs.FS, dir string, number uint64, group time.Duration) (_ *Log, err error) {
	file, err := fsys.OpenFile(pathOf(dir, number), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return nil, err
	}
	if _, err = file.WriteAt(header(number), 0); err == nil {
		err = file.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, file.Close(), fsys.Remove(pathOf(dir, number)))
	}
	l := &Log{number: number, file: file, group: group, end: headerSize}
	l.turned = sync.NewCond(&l.mu)
	return l, nil
}

// Number is the number of the log.
func (l *Log) Number() uint64 { return l.number }

// Follow says where the chain ends that the log goes on with; that end is durable. It is
// called once, before the first Append.
func (l *Log) Follow(end Position) error {
	_, err := l.Append(end.encode())
	return err
}

// Append appends a record and returns the number of its frame. The record survives the
// end of the process once Append returns, and a power loss once Wait has. After an error
// the log is as it was.
func (l *Log) Append(record []byte) (seq uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return 0, l.err
	}
	if len(record) > MaxRecord {
		return 0, fmt.Errorf("a record of %d bytes for log %s, at most %d fit", len(record), l.file.Name(), MaxRecord)
	}
	b := frame{seq: l.last + 1, record: record}.append(make([]byte, 0, frameSize+len(record)), l.number)
	if _, err := l.file.WriteAt(b, l.end); err != nil {
		if e := l.file.Truncate(l.end); e != nil {
			l.err = fmt.Errorf("log %s may end in half a record: %w", l.file.Name(), e)
		}
		return 0, err
	}
	l.end += int64(len(b))
	l.last++
	return l.last, nil
}

// Discard closes and removes a log that was not used.
func (l *Log) Discard(fsys vfs.FS) error {
	return errors.Join(l.file.Close(), fsys.Remove(l.file.Name()))
}

// Wait returns when the frame with a number is durable. Of calls that wait at the
// same time one syncs for all. After a sync that failed nobody knows what is durable: it
// and all later calls return its error.
func (l *Log) Wait(seq uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.synced < seq && l.err == nil {
		if l.syncing {
			l.turned.Wait()
			continue
		}
		l.syncing = true
		pause := l.pause(time.Since(l.began))
		l.mu.Unlock()
		time.Sleep(pause)
		l.mu.Lock()
		l.sync()
	}
	if l.synced >= seq {
		return nil
	}
	return l.err
}

// pause is how long a sync waits for more records, so long after the last one has begun.
func (l *Log) pause(since time.Duration) time.Duration { return max(l.group-since, l.group/4) }

// sync makes durable what was appended, and marks it so. The caller holds the lock, which
// is released meanwhile, and has set syncing.
func (l *Log) sync() {
	last := l.last
	l.began = time.Now()
	l.mu.Unlock()
	err := l.file.Sync()
	if err == nil {
		// The mark becomes durable with the next sync or when the system writes it. Where it
		// cannot be written, the one before says less and is still true.
		if _, e := l.file.WriteAt(appendMark(nil, l.number, last), markAt(l.turn)); e == nil {
			l.turn++
		}
	}
	l.mu.Lock()
	if err == nil {
		l.synced = max(l.synced, last)
	} else if l.err == nil {
		l.err = fmt.Errorf("log %s: %w", l.file.Name(), err)
	}
	l.syncing = false
	l.turned.Broadcast()
}

// Size is the bytes of the log.
func (l *Log) Size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end
}

// Err returns why nothing can be appended any more, nil where it can.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Finish makes durable what was appended, closes the log and returns where it ends. Calls
// of Wait return.
func (l *Log) Finish() (end Position, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.syncing {
		l.turned.Wait()
	}
	if l.err == nil && l.synced < l.last {
		l.syncing = true
		l.sync()
	}
	err = l.err
	if l.err == nil {
		l.err = fmt.Errorf("log %s: %w", l.file.Name(), os.ErrClosed)
	}
	return Position{Log: l.number, Frame: l.last}, errors.Join(err, l.file.Close())
}
