package main

import (
	"path/filepath"
	"strings"
	"testing"

	"engram/index/open"
	"engram/index/qdrant/double"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

func TestCollectionFlags(t *testing.T) {
	var got open.Collection
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	addCollection(flags, &got)
	if usage := flags.FlagUsages(); strings.Contains(usage, "[]") {
		t.Errorf("the help tells of a default that is none: %s", usage)
	}
	if err := flags.Parse([]string{"--quantisation", "binary", "--payload-index", "NSFW=keyword,width=number"}); err != nil {
		t.Fatal(err)
	}
	want := open.Collection{Quantisation: "binary", PayloadIndexes: map[string]string{"NSFW": "keyword", "width": "number"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
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
