package ort

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"engram/data/progress"
)

// LibraryOptions say where libonnxruntime comes from. The zero value looks in
// the user's cache, then in the system's library folders, and else fetches the
// pinned version into the cache.
type LibraryOptions struct {
	Path     string // this file and no other
	CacheDir string // "" = engram in os.UserCacheDir()
	Offline  bool   // find only, never fetch
	GPU      bool   // the CUDA build

	// Progress is told how many bytes of an archive have come, in the stage
	// FetchingStage.
	Progress progress.Func
}

// FetchingStage is the stage of Load in progress reports.
const FetchingStage = "downloading ONNX Runtime"

// OptionsFromEnv reads ENGRAM_ONNXRUNTIME (Path) and ENGRAM_CACHE (CacheDir).
func OptionsFromEnv(getenv func(string) string) LibraryOptions {
	return LibraryOptions{Path: getenv("ENGRAM_ONNXRUNTIME"), CacheDir: getenv("ENGRAM_CACHE")}
}

// locate returns the absolute path of the library, fetched where need be.
func (o LibraryOptions) locate(ctx context.Context) (string, error) {
	if o.Path != "" {
		if _, err := os.Stat(o.Path); err != nil {
			return "", fmt.Errorf("the onnxruntime library that was asked for: %w: %w", err, ErrLibrary)
		}
		return realPath(o.Path)
	}
	dir := o.CacheDir
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("no cache folder for the onnxruntime library: %w: %w", err, ErrLibrary)
		}
		dir = filepath.Join(user, "engram")
	}
	f := fetcher{
		dir:      filepath.Join(dir, "onnxruntime"),
		build:    buildName(o.GPU),
		channels: channels(runtime.GOOS+"/"+runtime.GOARCH, o.GPU),
		progress: o.Progress,
	}
	path, cacheErr := f.cached()
	if cacheErr == nil {
		return realPath(path)
	}
	if path := findSystem(systemFolders(), o.GPU); path != "" {
		return realPath(path)
	}
	if o.Offline {
		return "", fmt.Errorf("onnxruntime %s: %w, the system's library folders have none either, and fetching is off: %w", Version, cacheErr, ErrLibrary)
	}
	path, err := f.fetch(ctx)
	if err != nil {
		return "", err
	}
	return realPath(path)
}

// buildName names the cache folder of a build, such as "1.27.0-linux-amd64" or
// "1.27.0-linux-amd64-cuda".
func buildName(gpu bool) string {
	name := Version + "-" + runtime.GOOS + "-" + runtime.GOARCH
	if gpu {
		name += "-cuda"
	}
	return name
}

// realPath resolves links, so that one library has one path.
func realPath(path string) (string, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", errors.Join(err, ErrLibrary)
	}
	return filepath.Abs(path)
}

// systemFolders are where package managers and the release's own instructions
// put libraries.
func systemFolders() []string {
	folders := []string{"/usr/local/lib", "/usr/lib", "/usr/lib64", "/opt/onnxruntime/lib"}
	switch runtime.GOOS + "/" + runtime.GOARCH {
	case "linux/amd64":
		folders = append(folders, "/usr/lib/x86_64-linux-gnu")
	case "linux/arm64":
		folders = append(folders, "/usr/lib/aarch64-linux-gnu")
	case "darwin/arm64":
		folders = append(folders, "/opt/homebrew/lib")
	}
	return folders
}

// findSystem returns the first library in folders that loads and is new
// enough, "" where there is none. A CUDA build has its provider beside it.
func findSystem(folders []string, gpu bool) string {
	for _, folder := range folders {
		found, _ := filepath.Glob(filepath.Join(folder, "libonnxruntime.*")) // the pattern is sound
		slices.Sort(found)
		for _, path := range found {
			if name := filepath.Base(path); !strings.Contains(name, ".so") && !strings.HasSuffix(name, ".dylib") {
				continue
			}
			if gpu {
				if _, err := os.Stat(filepath.Join(folder, "libonnxruntime_providers_cuda.so")); err != nil {
					continue
				}
			}
			if _, err := probe(path); err == nil {
				return path
			}
		}
	}
	return ""
}
