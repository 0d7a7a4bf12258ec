package local

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"engram/index"
)

// crashFolder tells the test binary to be the process that is killed.
const crashFolder = "ENGRAM_TEST_CRASH_FOLDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashFolder); dir != "" {
		write := writeUntilKilled
		if n, err := strconv.ParseInt(os.Getenv(killedLoad), 10, 64); err == nil {
			write = func(dir string) error { return loadUntilKilled(dir, n) }
		}
		if err := write(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// generation returns what the writer does in generation g: upserts in several
// calls and a delete, and one flush at the end. Item 0 says which it was.
func generation(g int64) (upserts [][]index.Item, deletes []index.ID) {
	rng := rand.New(rand.NewPCG(uint64(g), 1))
	item := func(id index.ID) index.Item {
		v := make([]float32, 16)
		v[rng.IntN(16)] = 1
		return index.Item{ID: id, Vector: v, Payload: index.Payload{"version": g}, Tokens: stamp(g)}
	}
	for range 1 + rng.IntN(4) {
		batch := []index.Item{item(0)}
		for range rng.IntN(30) {
			batch = append(batch, item(1+index.ID(rng.IntN(200))))
		}
		upserts = append(upserts, batch)
	}
	for range rng.IntN(30) {
		deletes = append(deletes, 1+index.ID(rng.IntN(200)))
	}
	return upserts, deletes
}

// writeUntilKilled goes on with the generation after the one that it finds and
// prints each when it is flushed.
func writeUntilKilled(dir string) error {
	ctx := context.Background()
	s, err := Open(dir)
	if err != nil {
		return err
	}
	for g := 1 + lastGeneration(s); ; g++ {
		upserts, deletes := generation(g)
		for _, batch := range upserts {
			if err := s.Upsert(ctx, batch); err != nil {
				return err
			}
		}
		if _, err := s.Delete(ctx, deletes); err != nil {
			return err
		}
		if err := s.Flush(ctx); err != nil {
			return err
		}
		fmt.Println(g)
	}
}

func lastGeneration(s *Store) int64 {
	items, err := s.Get(context.Background(), []index.ID{0})
	if err != nil || len(items) == 0 {
		return 0
	}
	return items[0].Payload["version"].(int64)
}

// A process that writes is killed at random moments. Each time the index
// must open in the state of the last flush that was acknowledged or of the flush
// under way.
//
// It does not run beside other tests: a process that is being started holds, for
// a moment, the locks of all indexes that are open.
func TestKillingTheWriterLosesNothingThatWasFlushed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "index")
	mustClose(t, mustCreateStamped(t, dir, 16))
	rng := rand.New(rand.NewPCG(1, 2))
	model, at := map[index.ID]int64{}, int64(0)
	for range 20 {
		acknowledged := max(at, runAndKill(t, dir, time.Duration(rng.IntN(60))*time.Millisecond))
		s := mustOpen(t, dir)
		if err := s.Verify(t.Context()); err != nil {
			t.Fatal(err)
		}
		found := lastGeneration(s)
		if found < acknowledged || found > acknowledged+1 {
			t.Fatalf("generation %d was acknowledged, %d is there", acknowledged, found)
		}
		for ; at < found; at++ {
			upserts, deletes := generation(at + 1)
			for _, batch := range upserts {
				for _, item := range batch {
					model[item.ID] = at + 1
				}
			}
			for _, id := range deletes {
				delete(model, id)
			}
		}
		if diff := cmp.Diff(model, versions(t, s)); diff != "" {
			t.Fatalf("generation %d (-want +got):\n%s", found, diff)
		}
		mustClose(t, s)
	}
	if at < 20 {
		t.Errorf("only %d generations were written between 20 kills", at)
	}
}

// runAndKill starts the writer, lets it flush once and run on for a while, and
// kills it. It returns the last generation that was acknowledged.
func runAndKill(t *testing.T, dir string, after time.Duration) int64 {
	t.Helper()
	stop := startWriter(t, dir)
	time.Sleep(after)
	return stop()
}

// startWriter starts the writer and waits until it has flushed once. stop kills it
// and returns the last generation that was acknowledged.
func startWriter(t *testing.T, dir string) (stop func() int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashFolder+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatalf("the writer ended by itself: %v", cmd.Wait())
	}
	acknowledged := make(chan string, 1)
	go func() {
		last := lines.Text()
		for lines.Scan() {
			last = lines.Text()
		}
		acknowledged <- last
	}()
	return func() int64 {
		_ = cmd.Process.Kill()
		last, err := strconv.ParseInt(<-acknowledged, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the writer ended by itself")
		}
		return last
	}
}
