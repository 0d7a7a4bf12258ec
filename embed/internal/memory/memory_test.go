package memory_test

import (
	"fmt"
	"os"
	"testing"
	"testing/fstest"

	"engram/embed/internal/memory"
)

// What a program can still use is the least of the machine's memory, the control group's
// and the limit of addresses.
func TestAvailableMemoryIsTheLeastLimit(t *testing.T) {
	meminfo := &fstest.MapFile{Data: []byte("MemTotal: 9 kB\nMemAvailable:   4096 kB\n")}
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	page := float64(os.Getpagesize())
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  float64
	}{
		"not Linux":   {fstest.MapFS{}, 0},
		"the machine": {fstest.MapFS{"proc/meminfo": meminfo}, 4 << 20},
		"no limit": {fstest.MapFS{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": file("max\n"), "sys/fs/cgroup/memory.current": file("5\n"),
			"proc/self/limits": file("Max cpu time unlimited\nMax address space         unlimited            unlimited            bytes\n"), "proc/self/statm": file("7 1\n")}, 4 << 20},
		"a control group": {fstest.MapFS{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": file("1000\n"), "sys/fs/cgroup/memory.current": file("900\n"),
			"sys/fs/cgroup/memory.stat": file("anon 100\ninactive_file 800\n")}, 900},
		"a control group of version 1": {fstest.MapFS{"proc/meminfo": meminfo, "sys/fs/cgroup/memory/memory.limit_in_bytes": file("1000\n"),
			"sys/fs/cgroup/memory/memory.usage_in_bytes": file("2000\n")}, 1},
		"addresses": {fstest.MapFS{"proc/meminfo": meminfo, "proc/self/limits": file(fmt.Sprintf("Max address space %.0f %.0f bytes\n", 10*page, 20*page)),
			"proc/self/statm": file("7 1\n")}, 3 * page},
	} {
		if got := memory.Available(c.files); got != c.want {
			t.Errorf("%s: %g bytes, want %g", name, got, c.want)
		}
	}
}
