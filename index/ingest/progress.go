package ingest

import "engram/index"

// The stages of a job, as its progress names them.
const (
	Reading  = "reading"      // rows are read and stored
	Indexing = index.Indexing // the store builds what makes searches fast
)

// forecast tells how many rows there will be to settle. A shard that does not
// say how many it has counts as many per byte as such shards had so far.
type forecast struct {
	counted   int   // rows of the shards that say how many they have
	uncounted int64 // bytes of the other shards
	readRows  int   // rows of the uncounted shards that are read
	readBytes int64 // bytes of the uncounted shards that are read
}

// newForecast counts what is ahead.
func newForecast(todo []*reading) forecast {
	var f forecast
	for _, r := range todo {
		switch {
		case r.Rows < 0:
			f.uncounted += r.Bytes
		case r.retry:
			f.counted += len(r.again) + max(0, r.Rows-r.tail)
		default:
			f.counted += max(0, r.Rows-r.from)
		}
	}
	return f
}

// read notes a shard that is read.
func (f *forecast) read(r *reading) {
	if r.Rows < 0 {
		f.readRows += r.total
		f.readBytes += r.Bytes
	}
}

// total returns the rows to settle, 0 where that cannot be told yet.
func (f *forecast) total() int {
	switch {
	case f.uncounted == 0:
		return f.counted
	case f.readBytes == 0:
		return 0
	}
	return f.counted + int(float64(f.readRows)/float64(f.readBytes)*float64(f.uncounted))
}
