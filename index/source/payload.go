package source

import (
	"path"

	"engram/index"
)

// SameImage reports whether two payloads are of the same image, as far as size
// and time of change or checksum tell.
func SameImage(a, b index.Payload) bool {
	if a[index.KeySize] == nil || a[index.KeySize] != b[index.KeySize] {
		return false
	}
	for _, key := range []string{index.KeyModified, index.KeyChecksum} {
		if a[key] != nil {
			return a[key] == b[key]
		}
	}
	return false
}

// ShardOf returns the name of the shard that an item came from. For an image file
// it is the path of its folder.
func ShardOf(p index.Payload) string {
	label, _ := p[index.KeySource].(string)
	if name, ok := p[index.KeyShard].(string); ok {
		return labelled(label, name)
	}
	file, _ := p[index.KeyPath].(string)
	return labelled(label, path.Dir(file))
}

// NameOf returns the name of the row that an item was made from.
func NameOf(item index.Item) string {
	label, _ := item.Payload[index.KeySource].(string)
	if name, ok := item.Payload[index.KeyPath].(string); ok {
		return labelled(label, name)
	}
	if key, ok := item.Payload[index.KeyKey].(string); ok {
		shard, _ := item.Payload[index.KeyShard].(string)
		return labelled(label, path.Join(shard, key))
	}
	return RowName(ShardOf(item.Payload), int(item.ID%maxNumbered))
}
