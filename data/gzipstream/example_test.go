package gzipstream_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"

	"engram/data/gzipstream"
)

func Example() {
	var file bytes.Buffer
	w := gzip.NewWriter(&file)
	_, err := io.WriteString(w, "scan")
	if err != nil || w.Close() != nil {
		return
	}
	file.Write(make([]byte, 512)) // padding

	r, err := gzipstream.NewReader(bufio.NewReader(&file))
	if err != nil {
		fmt.Println(err)
		return
	}
	content, err := io.ReadAll(r)
	fmt.Printf("%s, %v, %d bytes after it\n", content, err, r.Trailing())
	// Output: scan, <nil>, 512 bytes after it
}
