package main

import (
	"path/filepath"
	"testing"

	api "github.com/qdrant/go-client/qdrant"
	"google.golang.org/protobuf/proto"

	"engram/index/qdrant/double"
)

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
		var made *api.CreateCollection
		indexed := map[string]api.FieldType{}
		server.Tamper("Collections/Create", func(request, _ any) { made = proto.CloneOf(request.(*api.CreateCollection)) })
		server.Tamper("Points/CreateFieldIndex", func(request, _ any) {
			r := request.(*api.CreateFieldIndexCollection)
			indexed[r.GetFieldName()] = r.GetFieldType()
		})
		c.must(append(command, "qdrant://"+server.Addr()+"/photos", "--quantisation", "binary",
			"--shards", "6", "--replicas", "2", "--payload-index", "NSFW=keyword,width=number")...)
		vector := made.GetVectorsConfig().GetParamsMap().GetMap()["cls"]
		if made.GetShardNumber() != 6 || made.GetReplicationFactor() != 2 || vector.GetQuantizationConfig().GetBinary() == nil || !vector.GetOnDisk() {
			t.Errorf("%s: the collection is %v", name, made)
		}
		if indexed["NSFW"] != api.FieldType_FieldTypeKeyword || indexed["width"] != api.FieldType_FieldTypeFloat || len(indexed) != 2 {
			t.Errorf("%s: indexes %v", name, indexed)
		}
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}
	for _, test := range []struct{ flag, value, out, want string }{
		{"--quantisation", "int4", "qdrant://127.0.0.1:1/photos", `--quantisation is "int4", wanted int8, binary or none`},
		{"--shards", "-1", "qdrant://127.0.0.1:1/photos", "--shards is -1"},
		{"--payload-index", "width=float", "qdrant://127.0.0.1:1/photos", "--payload-index width=float: wanted one of bool, integer, keyword, number, words"},
		{"--replicas", "2", folder, "--replicas is for a collection"},
	} {
		c.refuse([]string{test.want}, "index", "build", photos, "--out", test.out, test.flag, test.value)
		c.refuse([]string{test.want}, "index", "copy", folder, test.out, test.flag, test.value)
		c.refuse([]string{test.want}, "index", "join", folder, "--out", test.out, test.flag, test.value)
	}
}
