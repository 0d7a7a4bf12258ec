package wal

import (
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Calls that wait together share a sync.
func TestASyncIsForAllThatWait(t *testing.T) {
	disk := &countingFS{}
	l, err := Create(disk, t.TempDir(), 1, 20*time.Millisecond)
	if err == nil {
		err = l.Follow(Position{})
	}
	if err != nil {
		t.Fatal(err)
	}
	const records = 50
	seqs := make([]uint64, records)
	for i := range seqs {
		if seqs[i], err = l.Append([]byte("r")); err != nil {
			t.Fatal(err)
		}
	}
	var group sync.WaitGroup
	for _, seq := range seqs {
		group.Go(func() {
			if err := l.Wait(seq); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if disk.syncs != 2 {
		t.Errorf("%d syncs for the header and %d records that waited together, want 2", disk.syncs, records)
	}
	finish(t, l)
}

// Syncs begin the time of a group apart, and each waits for more records a little.
func TestSyncsBeginAGroupApart(t *testing.T) {
	l := &Log{group: 20 * time.Millisecond}
	for since, want := range map[time.Duration]time.Duration{0: 20, 8: 12, 15: 5, 19: 5, 1000: 5} {
		if got := l.pause(since * time.Millisecond); got != want*time.Millisecond {
			t.Errorf("%d ms after the last sync: a pause of %v, wanted %d ms", since, got, want)
		}
	}
}

func TestAFullDiskRefusesARecordAndLosesNone(t *testing.T) {
	disk, dir := &countingFS{}, t.TempDir()
	l, err := Create(disk, dir, 1, 0)
	if err == nil {
		err = l.Follow(Position{})
	}
	if err != nil {
		t.Fatal(err)
	}
	add(t, l, "a")
	disk.refuse = true
	if _, err := l.Append([]byte("refused")); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("error %v, want ENOSPC", err)
	}
	disk.refuse = false
	add(t, l, "b")
	finish(t, l)
	c, err := Read(dir, 1)
	if diff := cmp.Diff([]string{"a", "b"}, texts(c)); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestASyncThatFailsEndsTheLog(t *testing.T) {
	disk := &countingFS{}
	l, err := Create(disk, t.TempDir(), 1, 0)
	if err == nil {
		err = l.Follow(Position{})
	}
	if err != nil {
		t.Fatal(err)
	}
	seq, err := l.Append([]byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	disk.noSync = true
	if err := l.Wait(seq); !errors.Is(err, syscall.EIO) {
		t.Fatalf("error %v, want EIO", err)
	}
	disk.noSync = false
	if _, err := l.Append([]byte("b")); !errors.Is(err, syscall.EIO) || l.Err() == nil {
		t.Fatalf("after a sync that failed: error %v, want EIO", err)
	}
	if _, err := l.Finish(); !errors.Is(err, syscall.EIO) {
		t.Errorf("error %v, want EIO", err)
	}
}
