package ort

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
)

// ignored says whether this process ignores a signal, as the kernel sees it.
func ignored(t *testing.T, s syscall.Signal) bool {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("SKIPPED: the signal masks are read from /proc, which is Linux's")
	}
	_, rest, _ := strings.Cut(string(b), "SigIgn:")
	var mask uint64
	if _, err := fmt.Sscanf(rest, "%x", &mask); err != nil {
		t.Fatal(err)
	}
	return mask>>(s-1)&1 == 1
}

func TestKeepSignalsPutsHandlersBack(t *testing.T) {
	defer signal.Reset(syscall.SIGUSR1)
	err := keepSignals(func() error {
		signal.Ignore(syscall.SIGUSR1)
		if !ignored(t, syscall.SIGUSR1) {
			t.Error("the handler was not changed")
		}
		return os.ErrInvalid
	})
	if !errors.Is(err, os.ErrInvalid) {
		t.Errorf("got %v, want the function's error", err)
	}
	if ignored(t, syscall.SIGUSR1) {
		t.Error("the handler was not put back")
	}
}
