package ort

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	binding "github.com/yalue/onnxruntime_go"
)

// device is where a session runs.
type device struct {
	cuda bool
	id   int // of the CUDA device
}

// parseDevice reads "", "cpu" or "cuda:N".
func parseDevice(s string) (device, error) {
	if s == "" || s == "cpu" {
		return device{}, nil
	}
	if number, ok := strings.CutPrefix(s, "cuda:"); ok {
		if id, err := strconv.Atoi(number); err == nil && id >= 0 && number[0] != '+' {
			return device{cuda: true, id: id}, nil
		}
	}
	return device{}, fmt.Errorf("device %q, wanted \"cpu\" or \"cuda:N\" with N from 0", s)
}

func (d device) String() string {
	if d.cuda {
		return fmt.Sprintf("cuda:%d", d.id)
	}
	return "cpu"
}

// cudaOptions: the memory arena grows by what is asked for instead of doubling,
// and convolution algorithms are chosen by rule instead of by a search that
// takes seconds for each new shape.
// https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html
func (d device) cudaOptions() map[string]string {
	return map[string]string{
		"device_id":              strconv.Itoa(d.id),
		"arena_extend_strategy":  "kSameAsRequested",
		"cudnn_conv_algo_search": "HEURISTIC",
	}
}

// newOptions returns the options of a session, which the caller destroys.
func (d device) newOptions(threads int) (*binding.SessionOptions, error) {
	options, err := binding.NewSessionOptions()
	if err != nil {
		return nil, cause(err)
	}
	if err := d.configure(options, threads); err != nil {
		return nil, errors.Join(err, options.Destroy())
	}
	return options, nil
}

func (d device) configure(options *binding.SessionOptions, threads int) error {
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	// What ONNX Runtime would log at a lower level comes back as an error too.
	// Its threads wait without spinning, which would take the processor from those
	// that decode: on two cores builds are 6 to 25 % faster so, 1.7 times as fast on
	// a busy machine, and a single image takes 1 ms in 7 longer.
	for _, err := range []error{
		options.SetLogSeverityLevel(binding.LoggingLevelFatal),
		options.SetIntraOpNumThreads(threads),
		options.SetInterOpNumThreads(1),
		options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
		options.SetCpuMemArena(true),
	} {
		if err != nil {
			return cause(err)
		}
	}
	if !d.cuda {
		return nil
	}
	cuda, err := binding.NewCUDAProviderOptions()
	if err != nil {
		return d.explain(cause(err))
	}
	defer cuda.Destroy()
	if err := cuda.Update(d.cudaOptions()); err != nil {
		return d.explain(cause(err))
	}
	if err := options.AppendExecutionProviderCUDA(cuda); err != nil {
		return d.explain(cause(err))
	}
	return nil
}

// explain adds to an error of a CUDA session what it most often means.
func (d device) explain(err error) error {
	if !d.cuda {
		return err
	}
	text := err.Error()
	if strings.Contains(text, "not enabled in this build") {
		return fmt.Errorf("device %s: the loaded library is the build for the CPU, wanted the CUDA build: %w", d, err)
	}
	if _, missing, ok := strings.Cut(text, "libonnxruntime_providers_cuda.so with error: "); ok {
		return fmt.Errorf("device %s: the libraries of CUDA and cuDNN must be installed, with the versions that ONNX Runtime names: %s", d, missing)
	}
	if strings.Contains(text, "Failed to allocate memory") || strings.Contains(text, "out of memory") {
		return fmt.Errorf("device %s: its memory is too small for what is open and this run, wanted fewer models, smaller batches or half precision: %w", d, err)
	}
	return fmt.Errorf("device %s: %w", d, err)
}

// guard runs f, which may load or start CUDA, without losing Go's signal
// handlers.
func (d device) guard(f func() error) error {
	if !d.cuda {
		return f()
	}
	return keepSignals(f)
}
