package avif

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// ErrDecode reports a file that the codec gives up: it is damaged, or uses what the
// codec does not know.
var ErrDecode = errors.New("the codec cannot decode it")

//go:embed wasm/libavif.wasm.gz
var packed []byte

// code compiles the decoder at its first use, in a second, and then keeps it. It has
// no state: every file gets an instance of its own.
var code = sync.OnceValues(compile)

// compiled is a module that is ready to run.
type compiled struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
}

// maxMemory bounds an instance, in pages of 64 KiB: 2 GiB.
const maxMemory = 1 << 15

func compile() (*compiled, error) {
	ctx := context.Background()
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	wasm, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithMemoryLimitPages(maxMemory))
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, runtime); err != nil {
		return nil, err
	}
	module, err := runtime.CompileModule(ctx, wasm)
	return &compiled{runtime, module}, err
}

// instance is a module that runs for one file. Its heap is not tidied up, since it
// ends with the file.
type instance struct {
	ctx    context.Context
	module api.Module
	file   uint64 // place of the file
	size   uint64
	err    error // the first
}

// open starts an instance and hands it the file.
func open(ctx context.Context, data []byte) (*instance, error) {
	decoder, err := code()
	if err != nil {
		return nil, err
	}
	module, err := decoder.runtime.InstantiateModule(ctx, decoder.module, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return nil, err
	}
	i := &instance{ctx: ctx, module: module, size: uint64(len(data))}
	i.file = i.alloc(i.size)
	if i.err == nil && !module.Memory().Write(uint32(i.file), data) {
		i.err = fmt.Errorf("no memory for a file of %d bytes: %w", len(data), ErrDecode)
	}
	return i, nil
}

func (i *instance) close() { _ = i.module.Close(i.ctx) }

// alloc returns the place of so many bytes.
func (i *instance) alloc(n uint64) uint64 { return i.call("malloc", n) }

// call calls a function of the module. A result of 0 means that it failed.
func (i *instance) call(name string, args ...uint64) uint64 {
	if i.err != nil {
		return 0
	}
	out, err := i.module.ExportedFunction(name).Call(i.ctx, args...)
	switch {
	case i.ctx.Err() != nil:
		i.err = i.ctx.Err()
	case err != nil:
		i.err = fmt.Errorf("%w (%w)", err, ErrDecode)
	case uint32(out[0]) == 0:
		i.err = ErrDecode
	default:
		return out[0]
	}
	return 0
}

// numbers returns numbers of 32 bits that the module wrote.
func (i *instance) numbers(at uint64, n int) []int {
	out := make([]int, n)
	for k := range out {
		v, ok := i.module.Memory().ReadUint32Le(uint32(at) + uint32(4*k))
		if !ok && i.err == nil {
			i.err = ErrDecode
		}
		out[k] = int(v)
	}
	return out
}

// bytes returns memory of the module.
func (i *instance) bytes(at uint64, n int) []byte {
	if i.err != nil {
		return nil
	}
	out, ok := i.module.Memory().Read(uint32(at), uint32(n))
	if !ok {
		i.err = ErrDecode
	}
	return out
}
