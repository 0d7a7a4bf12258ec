package bench

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"engram/index/local"
)

// Machine describes where a report comes from.
type Machine struct {
	System    string  `json:"system"` // GOOS/GOARCH
	Processor string  `json:"processor,omitempty"`
	Cores     int     `json:"cores"`               // that the program may use
	Memory    float64 `json:"memory_gb,omitempty"` // in 10^9 bytes
	Kernels   string  `json:"kernels"`             // instructions that searches use
	Go        string  `json:"go"`
}

// thisMachine describes this one, as far as the system tells.
func thisMachine() Machine {
	m := Machine{
		System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.GOMAXPROCS(0),
		Kernels: local.Kernels(), Go: runtime.Version(), Processor: procField("/proc/cpuinfo", "model name"),
	}
	var kilobytes float64
	if _, err := fmt.Sscan(procField("/proc/meminfo", "MemTotal"), &kilobytes); err == nil {
		m.Memory = kilobytes * 1024 / 1e9
	}
	return m
}

// procField returns the first value of a field of one of Linux's files, or "".
func procField(path, field string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(content)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == field {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
