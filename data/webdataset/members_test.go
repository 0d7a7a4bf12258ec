package webdataset_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"engram/data/webdataset"
)

// The places of members are where ReadFile finds their bytes.
func TestMembersAreWhereTheFilesAre(t *testing.T) {
	long := string(bytes.Repeat([]byte("folder/"), 40)) + "c.jpg" // its name takes a header of its own
	shard := pack(t, file{"a.jpg", "one"}, file{"a.txt", "caption"}, file{"README", "x"}, file{"b.png", string(make([]byte, 700))}, file{long, "three"},
		file{"a.jpg", "again"})
	members, err := webdataset.Members(bytes.NewReader(shard))
	if err != nil {
		t.Fatal(err)
	}
	for sample, err := range webdataset.Read(bytes.NewReader(shard), webdataset.Options{}) {
		if err != nil && !errors.Is(err, webdataset.ErrDuplicate) {
			t.Fatal(err)
		}
		if err != nil {
			continue // the first sample of the key counts
		}
		got := members[sample.Key]
		if len(got) != len(sample.Files) {
			t.Errorf("%s has %d members, want %d", sample.Key, len(got), len(sample.Files))
			continue
		}
		for i, f := range sample.Files {
			if m := got[i]; m.Ext != f.Ext || !bytes.Equal(shard[m.Offset:][:m.Size], f.Data) {
				t.Errorf("%s.%s is at %+v", sample.Key, f.Ext, m)
			}
		}
	}
	if len(members) != 3 {
		t.Errorf("%d keys, want 3", len(members))
	}
}

func TestMembersOfOtherFiles(t *testing.T) {
	shard := pack(t, file{"a.jpg", "one"}, file{"b.jpg", string(make([]byte, 4096))})
	if m, err := webdataset.Members(bytes.NewReader(shard[:1024+512+100])); !errors.Is(err, webdataset.ErrCorrupt) || len(m) != 2 {
		t.Errorf("a cut tar: %v, error %v, want both members and ErrCorrupt", m, err)
	}
	for name, magic := range map[string]string{"gzip": "\x1f\x8b\x08\x00", "zstd": "\x28\xb5\x2f\xfd"} {
		if _, err := webdataset.Members(bytes.NewReader([]byte(magic + "rest"))); !errors.Is(err, webdataset.ErrCompressed) {
			t.Errorf("%s: error %v, want ErrCompressed", name, err)
		}
	}
}

func FuzzMembers(f *testing.F) {
	f.Add(pack(f, file{"a.jpg", "one"}, file{"a.txt", "two"}))
	f.Fuzz(func(t *testing.T, shard []byte) {
		members, _ := webdataset.Members(bytes.NewReader(shard))
		for key, list := range members {
			if key == "" || len(list) == 0 {
				t.Error("a sample without a key or files")
			}
			for _, m := range list {
				if m.Offset < 512 || m.Size < 0 {
					t.Error(fmt.Sprint(m))
				}
			}
		}
	})
}
