package keys_test

import (
	"fmt"
	"os"
	"path/filepath"

	"engram/httpapi/keys"
)

func ExampleFile_Find() {
	dir, err := os.MkdirTemp("", "keys")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "keys.json")
	secret, err := keys.Create(path, "page", keys.Read)
	if err != nil {
		fmt.Println(err)
		return
	}
	file, err := keys.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := file.Find(secret)
	fmt.Println(key.Name, key.Role.Allows(keys.Read), key.Role.Allows(keys.Write), err)
	_, err = file.Find("engram_GUESSED")
	fmt.Println(err)
	// Output:
	// page true false <nil>
	// no such key
}
