package ort

import (
	"errors"
	"strings"
	"testing"
)

// TestCUDAErrorsSayWhatIsMissing uses the words of ONNX Runtime 1.27.0: of the
// CUDA build on a machine without CUDA, and of the build for the CPU.
func TestCUDAErrorsSayWhatIsMissing(t *testing.T) {
	for text, want := range map[string]string{
		"/onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:1988 onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : " +
			"Failed to load library /cache/libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object file: No such file or directory": "device cuda:1: the libraries of CUDA and cuDNN must be installed, with the versions that ONNX Runtime names: " +
			"libcublasLt.so.13: cannot open shared object file: No such file or directory",
		"CUDA execution provider is not enabled in this build.": "device cuda:1: the loaded library is the build for the CPU, wanted the CUDA build",
		"CUDA failure 2: out of memory ; GPU=1":                 "device cuda:1: its memory is too small for what is open and this run, wanted fewer models",
		"CUDA failure 100: no CUDA-capable device is detected":  "device cuda:1: CUDA failure 100",
	} {
		if got := (device{cuda: true, id: 1}).explain(errors.New(text)).Error(); !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want it to begin with %q", got, want)
		}
	}
	if err := errors.New("any"); !errors.Is((device{}).explain(err), err) {
		t.Error("an error of the CPU was changed")
	}
}
