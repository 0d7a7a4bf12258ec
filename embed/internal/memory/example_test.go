package memory_test

import (
	"fmt"
	"testing/fstest"

	"engram/embed/internal/memory"
)

// A control group leaves less than the machine has. A program passes os.DirFS("/").
func Example() {
	machine := fstest.MapFS{
		"proc/meminfo":                 {Data: []byte("MemAvailable: 4096 kB\n")},
		"sys/fs/cgroup/memory.max":     {Data: []byte("1000\n")},
		"sys/fs/cgroup/memory.current": {Data: []byte("900\n")},
	}
	fmt.Println(memory.Available(machine))
	// Output: 100
}
