package pattern

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Paths returns the files and folders that a pattern names, in its order, each
// once. All of them must be there: fs.ErrNotExist tells how many are missing
// and names the first. A wildcard must find at least one. Further errors are
// ErrSyntax, ErrTooMany, and the system's error for a folder that cannot be read.
func Paths(pattern string) ([]string, error) {
	if _, err := os.Lstat(pattern); err == nil {
		return []string{pattern}, nil
	}
	words, err := expand(pattern)
	if err != nil {
		return nil, err
	}
	var paths, missing []string
	for _, word := range words {
		found, err := find(word)
		if err != nil {
			return nil, fmt.Errorf("pattern: %s: %w", excerpt(pattern), err)
		}
		if len(found) == 0 {
			missing = append(missing, unescape(word))
		}
		paths = append(paths, found...)
		if len(paths) > maxPaths {
			return nil, fmt.Errorf("pattern: %s: more than %d files match: %w", excerpt(pattern), maxPaths, ErrTooMany)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("pattern: %s: missing are %d of %d, the first is %s: %w",
			excerpt(pattern), len(missing), len(words), missing[0], fs.ErrNotExist)
	}
	return unique(paths), nil
}

// unique returns the paths without repetitions.
func unique(paths []string) []string {
	seen := make(map[string]bool, len(paths))
	return slices.DeleteFunc(paths, func(path string) bool {
		again := seen[path]
		seen[path] = true
		return again
	})
}

// find returns what an expanded word names, in the order of Compare.
func find(word string) ([]string, error) {
	if !isWild(word) {
		path := unescape(word)
		_, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return []string{path}, err
	}
	dir, element := filepath.Split(word)
	folders := []string{unescape(dir)}
	if isWild(dir) {
		var err error
		if folders, err = find(strings.TrimRight(dir, "/")); err != nil {
			return nil, err
		}
	}
	var paths []string
	for _, folder := range folders {
		names, err := match(folder, element)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			paths = append(paths, filepath.Join(folder, name))
		}
	}
	slices.SortFunc(paths, Compare)
	return paths, nil
}

// match returns the names in a folder that an element of a pattern matches.
// There are none in what is no folder.
func match(folder, element string) ([]string, error) {
	folder = filepath.Clean(folder) // "" becomes "."
	if info, err := os.Stat(folder); err == nil && !info.IsDir() {
		return nil, nil
	}
	if !isWild(element) {
		name := unescape(element)
		_, err := os.Lstat(filepath.Join(folder, name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return []string{name}, err
	}
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		matched, err := filepath.Match(element, name)
		if err != nil {
			return nil, fmt.Errorf("%s: a bracket is not closed: %w", element, ErrSyntax)
		}
		if matched && (name[0] != '.' || element[0] == '.') {
			names = append(names, name)
		}
	}
	return names, nil
}

// isWild tells whether a word has a wildcard.
func isWild(word string) bool {
	for i := 0; i < len(word); i++ {
		switch word[i] {
		case '\\':
			i++
		case '*', '?', '[':
			return true
		}
	}
	return false
}
