package thumbnail

import (
	"container/list"
	"sync"

	"golang.org/x/sync/singleflight"
)

// Cache keeps the files that were asked for last, up to a number of bytes. It is safe for
// concurrent use.
type Cache struct {
	most int

	mu     sync.Mutex
	bytes  int
	known  map[string]*list.Element // of recent
	recent list.List                // of *entry, the last one first
	flight singleflight.Group
}

// entry is a file in the cache.
type entry struct {
	key  string
	file []byte
}

// NewCache returns an empty cache for so many bytes of files.
func NewCache(bytes int) *Cache {
	return &Cache{most: bytes, known: map[string]*list.Element{}}
}

// Get returns the file of a key, which create makes where the cache has none. Of several
// that ask for a key at once one makes it. Nobody changes the file.
func (c *Cache) Get(key string, create func() ([]byte, error)) ([]byte, error) {
	if file := c.find(key); file != nil {
		return file, nil
	}
	made, err, _ := c.flight.Do(key, func() (any, error) {
		file, err := create()
		if err == nil {
			c.keep(key, file)
		}
		return file, err
	})
	if err != nil {
		return nil, err
	}
	return made.([]byte), nil
}

// find returns the file of a key, nil where there is none.
func (c *Cache) find(key string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.known[key]
	if at == nil {
		return nil
	}
	c.recent.MoveToFront(at)
	return at.Value.(*entry).file
}

// keep puts a file into the cache. While the cache is too large, it drops the file that was
// used least recently.
func (c *Cache) keep(key string, file []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(file) > c.most || c.known[key] != nil {
		return
	}
	c.known[key] = c.recent.PushFront(&entry{key, file})
	for c.bytes += len(file); c.bytes > c.most; {
		oldest := c.recent.Remove(c.recent.Back()).(*entry)
		delete(c.known, oldest.key)
		c.bytes -= len(oldest.file)
	}
}
