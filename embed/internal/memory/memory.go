package memory

import (
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"
)

// Available returns how many bytes this program can still use: the least of what
// Linux says, of what the control group allows and of what is left of the limit of
// addresses (ulimit -v). It returns 0 elsewhere. root is the machine's root folder.
func Available(root fs.FS) float64 {
	kilobytes := field(root, "proc/meminfo", "MemAvailable:")
	if math.IsInf(kilobytes, 1) {
		return 0
	}
	available := 1024 * kilobytes
	for _, group := range []struct{ limit, used, stat, cache string }{
		{"memory.max", "memory.current", "memory.stat", "inactive_file"},
		{"memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"},
	} {
		const dir = "sys/fs/cgroup/"
		limit, used := field(root, dir+group.limit, ""), field(root, dir+group.used, "")
		if math.IsInf(limit, 1) || math.IsInf(used, 1) {
			continue
		}
		if cache := field(root, dir+group.stat, group.cache); !math.IsInf(cache, 1) {
			used -= cache // given back when it is needed
		}
		available = min(available, max(1, limit-used))
	}
	addresses, pages := field(root, "proc/self/limits", "Max address space"), field(root, "proc/self/statm", "")
	if left := addresses - pages*float64(os.Getpagesize()); !math.IsNaN(left) {
		available = min(available, max(1, left))
	}
	return available
}

// field returns the first number after the name that a line of a file begins with. It is
// infinite where there is none, such as "max".
func field(root fs.FS, path, name string) float64 {
	text, err := fs.ReadFile(root, path)
	if err != nil {
		return math.Inf(1)
	}
	for line := range strings.Lines(string(text)) {
		rest, found := strings.CutPrefix(line, name)
		if words := strings.Fields(rest); found && len(words) > 0 {
			if x, err := strconv.ParseFloat(words[0], 64); err == nil {
				return x
			}
			return math.Inf(1)
		}
	}
	return math.Inf(1)
}
