package wal_test

import (
	"fmt"
	"os"

	"engram/data/vfs"
	"engram/index/internal/wal"
)

func Example() {
	dir, err := os.MkdirTemp("", "wal")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	log, err := wal.Create(vfs.OS{}, dir, 1, 0)
	if err != nil {
		panic(err)
	}
	if err := log.Follow(wal.Position{}); err != nil {
		panic(err)
	}
	seq, err := log.Append([]byte("delete item 7"))
	if err != nil {
		panic(err)
	}
	if err := log.Wait(seq); err != nil { // a power loss from here on leaves the record
		panic(err)
	}
	if _, err := log.Finish(); err != nil {
		panic(err)
	}

	chain, err := wal.Read(dir, 1)
	if err != nil {
		panic(err)
	}
	for _, record := range chain.Records {
		fmt.Printf("%s\n", record.Content)
	}
	// Output: delete item 7
}
