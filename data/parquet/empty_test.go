package parquet_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"

	"engram/data/parquet"
)

// The view reads like the kept ranges copied together.
func TestSplicedReadsLikeACopy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := rapid.SliceOfN(rapid.Byte(), 1, 60).Draw(t, "file")
		start := rapid.Int64Range(0, 20).Draw(t, "start")
		var kept [][2]int64
		var want []byte
		for at := int64(0); at < int64(len(file)); {
			from := rapid.Int64Range(at, int64(len(file))).Draw(t, "from")
			to := rapid.Int64Range(from, int64(len(file))).Draw(t, "to")
			kept = append(kept, [2]int64{from, to})
			want = append(want, file[from:to]...)
			at = to + 1
		}
		view := parquet.Spliced(bytes.NewReader(file), start, kept...)
		copied := bytes.NewReader(want)
		at := rapid.Int64Range(0, int64(len(file))+3).Draw(t, "at")
		n := rapid.IntRange(1, len(file)+3).Draw(t, "n")
		got, model := make([]byte, n), make([]byte, n)
		gotN, gotErr := view.ReadAt(got, start+at)
		wantN, wantErr := copied.ReadAt(model, at)
		if gotN != wantN || errors.Is(gotErr, io.EOF) != errors.Is(wantErr, io.EOF) || !bytes.Equal(got[:gotN], model[:wantN]) {
			t.Fatalf("ReadAt of %d bytes at %d: %d, %v, %v, want %d, %v, %v", n, at, gotN, gotErr, got, wantN, wantErr, model)
		}
	})
}
