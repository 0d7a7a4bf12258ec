package scan

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
)

// memory returns about how many bytes the solution takes beside the voxels and
// targets.
func (p *problem) memory() float64 {
	n, v, d := p.sizes()
	small := min(n, v)
	bytes := 8 * small * small                          // the Gram matrix, and its factor
	bytes += 8*n*d*4 + 4*(v+n)*d                        // targets and solutions, weights and predictions
	bytes += 4*sumDepth*small + 8*panelTrials*max(n, v) // pieces
	if p.primal {
		bytes += 8*v*d*2 + 8*panelTrials*v
	}
	return bytes
}

// fits refuses a problem for which the machine has too little memory, before
// anything is computed.
func (p *problem) fits(available float64) error {
	if need := p.memory(); available > 0 && need > available {
		return fmt.Errorf("ridge: %d trials of %d voxels and %d targets need about %.1f GB of memory, %.1f GB are available",
			p.x.Rows, p.x.Cols, p.y.Cols, need/1e9, available/1e9)
	}
	return nil
}

// availableMemory returns how many bytes Linux says that programs can still use,
// and 0 elsewhere.
func availableMemory() float64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	return availableIn(f)
}

func availableIn(meminfo io.Reader) float64 {
	for lines := bufio.NewScanner(meminfo); lines.Scan(); {
		if rest, found := strings.CutPrefix(lines.Text(), "MemAvailable:"); found {
			var kilobytes float64
			if _, err := fmt.Sscan(rest, &kilobytes); err == nil {
				return kilobytes * 1024
			}
		}
	}
	return 0
}
