package keys

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"engram/data/vfs"
)

// ErrUnknown says that there is no such key.
var ErrUnknown = errors.New("no such key")

// prefix is what keys begin with, so that a search for leaked ones finds them.
const prefix = "engram_"

// Key is a key as the file has it: all but the key itself.
type Key struct {
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	SHA256  string    `json:"sha256"` // of the key, in hexadecimal
	Created time.Time `json:"created"`
}

// document is the file.
type document struct {
	Keys []Key `json:"keys"`
}

// List returns the keys of the file at path. A file that is not there has none.
func List(path string) ([]Key, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("%s is no file of keys: %w", path, err)
	}
	for _, key := range d.Keys {
		sum, err := hex.DecodeString(key.SHA256)
		if err != nil || len(sum) != sha256.Size || key.Role.rank() < 0 {
			return nil, fmt.Errorf("%s: the key %q has role %q and hash %q, wanted a role and the %d digits of SHA-256",
				path, key.Name, key.Role, key.SHA256, 2*sha256.Size)
		}
	}
	return d.Keys, nil
}

// Create adds a key to the file at path and returns it: nobody can read it from there
// later.
func Create(path, name string, role Role) (secret string, err error) {
	if name == "" {
		return "", errors.New("a key has a name, by which it is revoked")
	}
	secret = prefix + rand.Text()
	sum := sha256.Sum256([]byte(secret))
	return secret, change(path, func(list []Key) ([]Key, error) {
		if slices.ContainsFunc(list, func(k Key) bool { return k.Name == name }) {
			return nil, fmt.Errorf("%s has a key named %q already", path, name)
		}
		return append(list, Key{Name: name, Role: role, SHA256: hex.EncodeToString(sum[:]), Created: time.Now().UTC().Truncate(time.Second)}), nil
	})
}

// Revoke takes the key of that name out of the file at path.
func Revoke(path, name string) error {
	return change(path, func(list []Key) ([]Key, error) {
		left := slices.DeleteFunc(slices.Clone(list), func(k Key) bool { return k.Name == name })
		if len(left) == len(list) {
			return nil, fmt.Errorf("%s has no key named %q: %w", path, name, ErrUnknown)
		}
		return left, nil
	})
}

// change rewrites the file at path. Only one process does so at a time.
func change(path string, edit func([]Key) ([]Key, error)) (err error) {
	lock, err := vfs.Lock(path + ".lock")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	list, err := List(path)
	if err != nil {
		return err
	}
	if list, err = edit(list); err != nil {
		return err
	}
	return vfs.WriteFile(path, func(w io.Writer) error {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(document{list})
	})
}

// File is a file of keys that a server asks. It follows what is written to the file, so
// that a key that is revoked ends at once. It is safe for concurrent use.
type File struct {
	path string

	mu    sync.Mutex
	info  fs.FileInfo // of what was read
	known []hashed
}

// hashed is a key with its hash as bytes.
type hashed struct {
	Key
	sum []byte
}

// Open opens the file of keys at path, which must have one key at least.
func Open(path string) (*File, error) {
	f := &File{path: path}
	known, err := f.read()
	if err == nil && len(known) == 0 {
		err = fmt.Errorf("%s has no keys, so that nobody could ask the server: make one with engram key create", path)
	}
	return f, err
}

// read returns the keys as the file has them now.
func (f *File) read() ([]hashed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		return nil, err
	}
	if f.info != nil && os.SameFile(info, f.info) && info.Size() == f.info.Size() && info.ModTime().Equal(f.info.ModTime()) {
		return f.known, nil
	}
	list, err := List(f.path)
	if err != nil {
		return nil, err
	}
	f.info, f.known = info, make([]hashed, len(list))
	for i, key := range list {
		sum, _ := hex.DecodeString(key.SHA256) // List has checked it
		f.known[i] = hashed{key, sum}
	}
	return f.known, nil
}

// Find returns the key that a client has sent, or ErrUnknown. Its time does not tell how
// much of a wrong key is right: hashes are compared, each in constant time, and all of them.
func (f *File) Find(secret string) (Key, error) {
	known, err := f.read()
	if err != nil {
		return Key{}, err
	}
	sum := sha256.Sum256([]byte(secret))
	found := -1
	for i, key := range known {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(sum[:], key.sum), i, found)
	}
	if found < 0 {
		return Key{}, ErrUnknown
	}
	return known[found].Key, nil
}
