package ingest

// The stages of a job, as its progress names them.
const (
	Reading  = "reading"  // rows are read and stored
	Indexing = "indexing" // the store builds what makes searches fast
)

// forecast tells how many rows there will be to settle. Shards that do not say
// how many they have are taken to have as many per byte as those read so far.
type forecast struct {
	known   int   // rows of shards that say so
	unknown int64 // bytes of the others
	rows    int   // of those of the others that are read
	bytes   int64
}

// newForecast counts what is ahead.
func newForecast(todo []*reading) forecast {
	var f forecast
	for _, r := range todo {
		switch {
		case r.Rows < 0:
			f.unknown += r.Bytes
		case r.retry:
			f.known += len(r.again) + max(0, r.Rows-r.tail)
		default:
			f.known += max(0, r.Rows-r.from)
		}
	}
	return f
}

// read notes a shard that is read.
func (f *forecast) read(r *reading) {
	if r.Rows < 0 {
		f.rows += r.total
		f.bytes += r.Bytes
	}
}

// total returns the rows to settle, 0 where that cannot be told yet.
func (f *forecast) total() int {
	switch {
	case f.unknown == 0:
		return f.known
	case f.bytes == 0:
		return 0
	}
	return f.known + int(float64(f.rows)/float64(f.bytes)*float64(f.unknown))
}
