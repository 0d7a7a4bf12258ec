package bench

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"
)

// memory measures how fast one core and all of them read memory: a search for a
// byte that is not there, which looks at each of them once.
func (b *bench) memory(ctx context.Context) error {
	buffer := bytes.Repeat([]byte{1}, b.Bytes)
	size := float64(b.Bytes)
	_, err := b.measure(ctx, "read memory, one core", "bytes", size, func(context.Context) error { return readAll(buffer, 1) })
	cores := runtime.GOMAXPROCS(0)
	if err != nil || cores == 1 {
		return err
	}
	_, err = b.measure(ctx, "read memory, all cores", "bytes", size, func(context.Context) error { return readAll(buffer, cores) })
	return err
}

// readAll reads the buffer in equal parts.
func readAll(buffer []byte, threads int) error {
	found := make([]bool, threads)
	part := len(buffer) / threads
	var wg sync.WaitGroup
	for i := range threads {
		wg.Go(func() { found[i] = bytes.IndexByte(buffer[i*part:(i+1)*part], 0) >= 0 })
	}
	wg.Wait()
	for _, f := range found {
		if f {
			return errors.New("memory does not hold what was written")
		}
	}
	return nil
}
