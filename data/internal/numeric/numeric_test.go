package numeric_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"

	"engram/data/internal/numeric"
)

func TestWriteAndReadAgreeWithEncodingBinary(t *testing.T) {
	for _, n := range []int{0, 1, 8191, 8192, 8193, 20000} {
		data := make([]int32, n)
		for i := range data {
			data[i] = int32(i*2654435761 + n)
		}
		var got bytes.Buffer
		if err := numeric.Write(&got, data); err != nil {
			t.Fatal(err)
		}
		want, err := binary.Append(nil, binary.LittleEndian, data)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%d elements: Write writes other bytes than binary.Append", n)
		}
		back := make([]int32, n)
		if err := numeric.Read(&got, back); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(back, data) {
			t.Errorf("%d elements: Read does not return what Write wrote", n)
		}
	}
}

func TestReadReportsAnEarlyEnd(t *testing.T) {
	err := numeric.Read(bytes.NewReader(make([]byte, 7)), make([]float64, 1))
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error is %v, want io.ErrUnexpectedEOF", err)
	}
}
