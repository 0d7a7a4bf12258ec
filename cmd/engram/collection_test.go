package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"engram/data/space"
	"engram/index"
	"engram/index/qdrant"
	"engram/index/qdrant/double"
)

func TestCollectionFlags(t *testing.T) {
	var f collectionFlags
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.add(flags)
	if usage := flags.FlagUsages(); strings.Contains(usage, "[]") {
		t.Errorf("the help tells of a default that is none: %s", usage)
	}
	if err := flags.Parse([]string{"--quantisation", "binary", "--payload-index", "NSFW=keyword,width=number"}); err != nil {
		t.Fatal(err)
	}
	want := qdrant.Schema{
		Dim: 8, Space: space.Space{Name: "B 1", Fingerprint: "b"}, Codes: qdrant.Bits, Indexes: map[string]qdrant.Kind{"NSFW": qdrant.Keyword, "width": qdrant.Number},
	}
	got, err := f.schema(index.Info{Dim: 8, Space: space.Space{Name: "B 1", Fingerprint: "b"}})
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("error %v, schema (-want +got):\n%s", err, diff)
	}
}

// Of several flags that are wrong it is always the same that is told.
func TestTheFirstWrongFlagIsTold(t *testing.T) {
	folder := collectionFlags{shards: 2, replicas: 2, quantisation: "int8"}
	kinds := collectionFlags{payloadIndexes: map[string]string{"a": "float", "b": "text", "c": "int"}}
	for range 20 {
		if err := folder.check("index"); err == nil || !strings.HasPrefix(err.Error(), "--quantisation is for a collection") {
			t.Errorf("error %v, want one about --quantisation", err)
		}
		if _, err := kinds.schema(index.Info{Dim: 1}); err == nil || !strings.HasPrefix(err.Error(), "--payload-index a=float: ") {
			t.Errorf("error %v, want one about a=float", err)
		}
	}
}

func TestNewCollectionsAreSetUpAsAskedFor(t *testing.T) {
	c := newCLI(t)
	photos, folder := writePhotos(t), filepath.Join(t.TempDir(), "index")
	c.must("index", "build", photos, "--out", folder)
	for name, command := range map[string][]string{
		"build": {"index", "build", photos, "--out"}, "copy": {"index", "copy", folder},
	} {
		server, err := double.Start(double.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var shards, replicas uint32
		server.Tamper("Collections/Create", func(request, _ any) {
			r := request.(interface {
				GetShardNumber() uint32
				GetReplicationFactor() uint32
			})
			shards, replicas = r.GetShardNumber(), r.GetReplicationFactor()
		})
		c.must(append(command, "qdrant://"+server.Addr()+"/photos", "--shards", "6", "--replicas", "2")...)
		if shards != 6 || replicas != 2 {
			t.Errorf("%s: a collection of %d shards, each %d times; wanted 6, each twice", name, shards, replicas)
		}
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}
	for _, test := range []struct{ flag, value, out, want string }{
		{"--quantisation", "int4", "qdrant://127.0.0.1:1/photos", `--quantisation is "int4", wanted int8, binary or none`},
		{"--shards", "-1", "qdrant://127.0.0.1:1/photos", "--shards is -1"},
		{"--payload-index", "width=float", "qdrant://127.0.0.1:1/photos", "--payload-index width=float: wanted one of bool, integer, keyword, number, words"},
		{"--payload-index", "=bool", "qdrant://127.0.0.1:1/photos", "--payload-index =bool: wanted a key"},
		{"--replicas", "2", folder, "--replicas is for a collection"},
	} {
		c.refuse([]string{test.want}, "index", "build", photos, "--out", test.out, test.flag, test.value)
		c.refuse([]string{test.want}, "index", "copy", folder, test.out, test.flag, test.value)
		c.refuse([]string{test.want}, "index", "join", folder, "--out", test.out, test.flag, test.value)
	}
	c.refuse([]string{"--shards is for a collection", "found no --out"}, "index", "build", photos, "--dry-run", "--shards", "2")
	for _, name := range []string{"http://127.0.0.1:6333/photos", "QDRANT://127.0.0.1:1/photos"} {
		c.refuse([]string{name + " is neither a folder nor a collection, wanted for the latter qdrant://"}, "index", "copy", folder, name)
	}
}
