package local

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"engram/index"
	"engram/index/internal/disk"
)

var kills = flag.Int("kills", 15, "how often a process is killed that writes to a log")

// killedLoad tells the test binary to be a process under load that is killed: the number of
// the last write that its index has.
const killedLoad = "ENGRAM_TEST_KILLED_LOAD"

// loadDim is the dimension of its index.
const loadDim = 16

// loadStep is write n of a process under load. Item 0 says which write was the last.
func loadStep(n int64) (r disk.Record) {
	rng := rand.New(rand.NewPCG(uint64(n), 3))
	ids := map[index.ID]bool{}
	for range 1 + rng.IntN(30) {
		ids[1+index.ID(rng.IntN(300))] = true
	}
	payload := index.Payload{"version": n}
	switch n % 5 {
	case 3:
		for id := range ids {
			r.Deleted = append(r.Deleted, id)
		}
	case 4:
		r.Payloads = map[index.ID]index.Payload{0: payload}
		for id := range ids {
			r.Payloads[id] = payload
		}
	default:
		ids[0] = true
		for id := range ids {
			v := make([]float32, loadDim)
			v[rng.IntN(loadDim)] = 1
			r.Upserted = append(r.Upserted, index.Item{ID: id, Vector: v, Payload: payload})
		}
	}
	return r
}

// applyStep applies write n to a model of the index.
func applyStep(model map[index.ID]int64, n int64) map[index.ID]int64 {
	model = maps.Clone(model)
	r := loadStep(n)
	for _, item := range r.Upserted {
		model[item.ID] = n
	}
	for _, id := range r.Deleted {
		delete(model, id)
	}
	for id := range r.Payloads {
		if _, there := model[id]; there {
			model[id] = n
		}
	}
	return model
}

// loadUntilKilled writes on from write n, and prints each write that has returned. It
// searches, flushes, optimises and makes snapshots meanwhile.
func loadUntilKilled(dir string, n int64) error {
	ctx := context.Background()
	s, err := Open(dir)
	if err != nil {
		return err
	}
	s.memoryLimit, s.graphRows, s.segmentRows, s.firstGrown, s.calm = 40<<10, 100, 100, 50, 0
	if err := s.SetDurability([]Durability{Logged, Synced, Grouped}[n%3]); err != nil {
		return err
	}
	first := n
	fail := func(err error) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go func() {
		for i := 0; ; i++ {
			v := make([]float32, loadDim)
			v[i%loadDim] = 1
			if _, err := s.Search(ctx, index.Query{Vector: v, K: 10, WithPayload: true}); err != nil {
				fail(err)
			}
			if err := s.grow(ctx); err != nil {
				fail(err)
			}
		}
	}()
	go func() {
		for i := 0; ; i++ {
			var err error
			switch i % 3 {
			case 0:
				err = s.Snapshot(ctx, filepath.Join(dir+".snapshots", fmt.Sprintf("%d-%d", first, i)))
			case 1:
				err = s.Flush(ctx)
			default:
				err = s.Optimise(ctx, nil)
			}
			if err != nil {
				fail(err)
			}
		}
	}()
	for n++; ; n++ {
		r := loadStep(n)
		switch {
		case r.Upserted != nil:
			err = s.Upsert(ctx, r.Upserted)
		case r.Payloads != nil:
			_, err = s.SetPayloads(ctx, r.Payloads)
		default:
			_, err = s.Delete(ctx, r.Deleted)
		}
		if err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// A process is killed at random moments under a load of writes, searches, flushes,
// merges, graphs and snapshots. Each time the index opens with every write that was
// acknowledged, and with the one under way whole or not at all; each snapshot is the
// index of one moment, or no index. More kills are made by
// go test ./index/local -run UnderLoadIsKilled -kills 200.
func TestAProcessUnderLoadIsKilled(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "index")
	mustClose(t, mustCreate(t, dir, loadDim))
	rng := rand.New(rand.NewPCG(5, 6))
	model, at, snapshots := map[index.ID]int64{}, int64(0), 0
	for range *kills {
		acknowledged := killLoad(t, dir, at, time.Duration(rng.IntN(80))*time.Millisecond)
		states := []map[index.ID]int64{model}
		for n := at + 1; n <= acknowledged+1; n++ {
			model = applyStep(model, n)
			states = append(states, model)
		}
		s := mustOpen(t, dir)
		if err := s.Verify(t.Context()); err != nil {
			t.Fatal(err)
		}
		found := versions(t, s)
		mustClose(t, s)
		switch last := len(states) - 1; {
		case maps.Equal(found, states[last]):
			at = acknowledged + 1
		case maps.Equal(found, states[last-1]):
			at, model = acknowledged, states[last-1]
		default:
			t.Fatalf("write %d was acknowledged (-want +got):\n%s", acknowledged, cmp.Diff(states[last-1], found))
		}
		snapshots += checkSnapshots(t, dir+".snapshots", states)
	}
	t.Logf("%d writes, %d snapshots, %d kills", at, snapshots, *kills)
	if at < int64(*kills) {
		t.Errorf("only %d writes between %d kills", at, *kills)
	}
}

// checkSnapshots checks that each snapshot in dir is one of the states or no index, and
// removes them.
func checkSnapshots(t *testing.T, dir string, states []map[index.ID]int64) (whole int) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		s, err := Open(name)
		if errors.Is(err, index.ErrNotFound) {
			continue // it was being made
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Verify(t.Context()); err != nil {
			t.Fatal(err)
		}
		find(t, s, states)
		mustClose(t, s)
		whole++
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	return whole
}

// killLoad starts a process under load, kills it some time after its first write has
// returned, and returns the last write that has.
func killLoad(t *testing.T, dir string, at int64, after time.Duration) (acknowledged int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashFolder+"="+dir, fmt.Sprintf("%s=%d", killedLoad, at))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var kill sync.Once
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if acknowledged, err = strconv.ParseInt(lines.Text(), 10, 64); err != nil {
			t.Fatal(err)
		}
		kill.Do(func() { time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) })
	}
	if err := cmd.Wait(); err == nil || acknowledged == 0 {
		t.Fatalf("the process ended by itself after write %d: %v", acknowledged, err)
	}
	return acknowledged
}
