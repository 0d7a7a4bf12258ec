package ort

import (
	"fmt"
	"os"
	"path/filepath"

	"engram/embed/internal/memory"
	"engram/embed/onnx"
)

// weights returns the bytes of a model's file and of the files in which it keeps weights.
func (m model) weights() (float64, error) {
	bytes := float64(m.size)
	if m.path == "" {
		return bytes, nil
	}
	names, err := onnx.External(m.content, m.size)
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		info, err := os.Stat(filepath.Join(filepath.Dir(m.path), filepath.FromSlash(name)))
		if err != nil {
			return 0, err
		}
		bytes += float64(info.Size())
	}
	return bytes, nil
}

// fits refuses a model whose weights alone are more than the memory that is left, before
// ONNX Runtime reads them: it would be killed in the midst. A processor counts half
// precision in float32, which takes twice the file's bytes. On CUDA the library says
// itself what does not fit.
func (s *Session) fits(m model) error {
	if s.device.cuda {
		return nil
	}
	need, err := m.weights()
	if err != nil {
		return err
	}
	if s.half {
		need *= 2
	}
	return enough(need, memory.Available(os.DirFS("/")))
}

// enough reports weights for which too little memory is available; 0 is unknown.
func enough(need, available float64) error {
	if available == 0 || need <= available {
		return nil
	}
	return fmt.Errorf("the weights need %.1f GB of memory, %.1f GB are available", need/1e9, available/1e9)
}
