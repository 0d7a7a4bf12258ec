package embedfiles_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"engram/index/embedfiles"
)

// The plan is written as FORMAT.md says, which folders made by earlier versions
// rely on.
func TestFormatOfThePlan(t *testing.T) {
	root, dir := t.TempDir(), filepath.Join(t.TempDir(), "out")
	writeFolders(t, root, 2, 12)
	writeFiles(t, root, map[string]string{"f1/000.png": "unreadable"})
	job := newJob(t, root, dir)
	job.Rows = 12
	mustRun(t, job)
	text, err := os.ReadFile(filepath.Join(dir, embedfiles.PlanName))
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`[0-9a-f]{16}`).ReplaceAllString(string(text), "16 hexadecimal digits")
	want, err := os.ReadFile(filepath.Join("testdata", "embed.json"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}
