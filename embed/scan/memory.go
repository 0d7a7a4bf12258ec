package scan

import (
	"fmt"
	"os"

	"engram/embed/internal/memory"
)

// Size is how much a decoder is trained on.
type Size struct {
	Trials, Voxels int
	Images         int  // whose targets there are; 0: not known
	Elements       int  // of one target, T·D
	Stored         bool // targets stay in their file
}

// Check refuses what the machine has too little memory to train a preset on, before
// anything is read.
func (s Size) Check(preset string) error {
	return s.fits(s.held()+s.work(preset), memory.Available(os.DirFS("/")))
}

// checkWork refuses what the machine has too little memory to train a preset on, once
// scans and targets are read, and so many bytes are there of a training before.
func (s Size) checkWork(preset string, held float64) error {
	return s.fits(s.work(preset)-held, memory.Available(os.DirFS("/")))
}

func (s Size) fits(need, available float64) error {
	if available == 0 || need <= available {
		return nil
	}
	targets := fmt.Sprintf("targets of %d elements", s.Elements)
	if s.Images > 0 {
		targets = fmt.Sprintf("%d %s", s.Images, targets)
	}
	return fmt.Errorf("training on %d trials of %d voxels and %s needs about %.1f GB of memory more, %.1f GB are available",
		s.Trials, s.Voxels, targets, need/1e9, available/1e9)
}

// held returns the bytes of scans and targets.
func (s Size) held() float64 {
	bytes := 4 * float64(s.Trials) * float64(s.Voxels)
	if !s.Stored {
		bytes += 4 * float64(s.Images) * float64(s.Elements)
	}
	return bytes
}

// work returns about how many bytes the closed form of a preset takes beside scans and
// targets: the most of what it holds at a time. Of a preset without one it is a copy of
// the voxels.
func (s Size) work(preset string) float64 {
	n, v, elements := float64(s.Trials), float64(s.Voxels), float64(s.Elements)
	if preset == PresetMindEye1 {
		return 4 * n * v
	}
	images := s.Trials
	if s.Images > 0 {
		images = min(images, s.Images)
	}
	rank, sample := min(maxRank, images), min(maxComponentImages, images)
	components := 4*elements*float64(sample+rank) + 4*(someTargets*elements+max(elements, pieceElements))
	ridge := 4*elements*float64(rank) + ridgeMemory(n, v, float64(rank))
	return max(components, ridge)
}

// ridgeMemory returns about how many bytes the solution for n trials, v voxels and d
// targets takes beside voxels and targets.
func ridgeMemory(n, v, d float64) float64 {
	small := min(n, v)
	bytes := 8 * small * small                // the Gram matrix, and its factor
	bytes += 8*small*d*2 + 4*(v+n)*d          // solutions, weights and predictions
	bytes += (4*sumDepth + 8*panelTrials) * d // pieces of the targets
	bytes += 4*sumDepth*small + 8*panelTrials*small
	if v < n {
		bytes += 8 * panelTrials * v
	}
	return bytes
}

// fits refuses a problem for which the machine has too little memory, before
// anything is computed.
func (p *problem) fits(available float64) error {
	if need := ridgeMemory(p.sizes()) - p.held(); available > 0 && need > available {
		return fmt.Errorf("ridge: %d trials of %d voxels and %d targets need about %.1f GB of memory, %.1f GB are available",
			p.x.Rows, p.x.Cols, p.y.x.Cols, need/1e9, available/1e9)
	}
	return nil
}
