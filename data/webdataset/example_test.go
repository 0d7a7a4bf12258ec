package webdataset_test

import (
	"archive/tar"
	"bytes"
	"fmt"

	"engram/data/webdataset"
)

func ExampleRead() {
	var shard bytes.Buffer
	w := tar.NewWriter(&shard)
	for _, f := range []struct{ name, content string }{
		{"00000/0.jpg", "…"}, {"00000/0.txt", "a zebra\n"}, {"00000/0.json", `{"width": 256, "exif": {"make": "Nikon"}}`},
		{"00000/1.txt", "no image"},
	} {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.content))}); err != nil {
			fmt.Println(err)
		}
		if _, err := w.Write([]byte(f.content)); err != nil {
			fmt.Println(err)
		}
	}
	if err := w.Close(); err != nil {
		fmt.Println(err)
	}

	for sample, err := range webdataset.Read(&shard, webdataset.Options{}) {
		if err != nil { // one bad sample, or the end of a damaged tar
			fmt.Println(err)
			continue
		}
		ext, _, err := sample.Image()
		if err != nil {
			fmt.Println(err)
			continue
		}
		caption, _ := sample.Caption()
		metadata, err := sample.Metadata()
		fmt.Println(sample.Key, ext, caption, metadata, err)
	}
	// Output:
	// 00000/0 jpg a zebra map[exif.make:Nikon width:256] <nil>
	// webdataset: sample 00000/1: the sample has no image: found ["txt"]
}
