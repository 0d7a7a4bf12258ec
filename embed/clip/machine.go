package clip

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"strings"

	"engram/embed/model"
	"engram/embed/ort"
)

// thisMachine describes what graphs run on here.
func thisMachine(rt *ort.Runtime, device string) model.Machine {
	return model.Machine{
		ONNXRuntime: rt.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, CPU: processor(), Device: device,
	}
}

// processor returns the name of the processor where Linux tells it, else "".
func processor() string {
	content, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(content)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// describe writes a machine for a message.
func describe(m model.Machine) string {
	return fmt.Sprintf("ONNX Runtime %s, %s/%s, %s, %s", m.ONNXRuntime, m.OS, m.Arch, cmp.Or(m.CPU, "an unknown processor"), m.Device)
}
