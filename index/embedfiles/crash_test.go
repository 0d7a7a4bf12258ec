package embedfiles_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"engram/data/laion"
	"engram/data/progress"
)

// crashRoot and crashDir tell the test binary to be the process that is killed.
const crashRoot, crashDir = "ENGRAM_TEST_CRASH_ROOT", "ENGRAM_TEST_CRASH_DIR"

func TestMain(m *testing.M) {
	if root := os.Getenv(crashRoot); root != "" {
		job, err := jobOn(root, os.Getenv(crashDir))
		job.Progress = func(r progress.Report) { fmt.Println(r.Done) }
		if err == nil {
			_, err = job.Run(context.Background())
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A job is killed at random moments until it comes to its end. What is
// published never changes, and in the end the files equal the files of a job that
// was left alone.
func TestKilledJobGoesOn(t *testing.T) {
	root, dir, alone := t.TempDir(), filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "alone")
	writeFolders(t, root, 8, 25)
	writeFiles(t, root, map[string]string{"f2/07.png": "unreadable", "f5/00.png": "black"})
	mustRun(t, newJob(t, root, alone))
	want := files(t, alone)

	rng := rand.New(rand.NewPCG(1, 2))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	published := map[string]string{}
	kills := 0
	for ended := false; !ended; {
		if kills > 60 {
			t.Fatal("the job does not come to its end")
		}
		ended = runAndKill(t, root, dir, rng.IntN(25), time.Duration(rng.IntN(20))*time.Millisecond)
		if !ended {
			kills++
		}
		now := map[string]string{}
		numbers, err := laion.Done(dir, laion.Image)
		if err != nil {
			t.Fatal(err)
		}
		all := files(t, dir)
		for _, n := range numbers {
			for _, name := range []string{fmt.Sprintf("img_emb/img_emb_%04d.npy", n), fmt.Sprintf("metadata/metadata_%04d.parquet", n)} {
				now[name] = all[name]
			}
		}
		for name, text := range published {
			if now[name] != text {
				t.Fatalf("after kill %d %s is not what it was", kills, name)
			}
		}
		published = now
	}
	t.Logf("%d kills", kills)
	if kills < 3 {
		t.Errorf("killed %d times, wanted 3 or more", kills)
	}
	checkRows(t, read(t, dir, laion.Image), 8, 25, func(f, i int) bool { return f == 2 && i == 7 || f == 5 && i == 0 })
	if got := files(t, dir); !maps.Equal(got, want) {
		for name := range got {
			if got[name] != want[name] {
				t.Errorf("%s is not that of a job that was left alone", name)
			}
		}
	}
}

// runAndKill runs the job in a process that is killed some time after it has
// reported progress so many times, and reports whether it came to its end before.
func runAndKill(t *testing.T, root, dir string, reports int, after time.Duration) bool {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), crashRoot+"="+root, crashDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); reports > 0 && lines.Scan(); reports-- {
	}
	time.Sleep(after)
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		t.Fatalf("the job failed: %v", err)
	}
	return err == nil
}
