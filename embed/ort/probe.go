package ort

// #cgo linux LDFLAGS: -ldl
// #include <dlfcn.h>
// #include <stdint.h>
// #include <stdlib.h>
//
// // The first two members of OrtApiBase (onnxruntime_c_api.h), the only part of
// // the C API that is the same in every version.
// typedef struct {
//   const void *(*GetApi)(uint32_t version);
//   const char *(*GetVersionString)(void);
// } api_base;
//
// static const char *version_of(void *get_api_base) {
//   return ((const api_base *(*)(void))get_api_base)()->GetVersionString();
// }
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unsafe"
)

// minVersion is the oldest library that has the C API that the binding asks
// for (version 24, which came with 1.24; 1.24.0 was not released).
const minVersion = "1.24.1"

// probe loads the library at path, asks it for its version, and lets it go.
// It fails with a sentence where the file is no libonnxruntime or too old.
func probe(path string) (version string, err error) {
	get, release, err := findAPIBase(path)
	if err != nil {
		return "", err
	}
	defer release()
	version = C.GoString(C.version_of(get))
	switch older, err := olderThan(version, minVersion); {
	case err != nil:
		return "", fmt.Errorf("%s says its version is %q: %w", path, version, err)
	case older:
		return "", fmt.Errorf("%s is onnxruntime %s, wanted %s or newer", path, version, minVersion)
	}
	return version, nil
}

// findAPIBase loads the library at path and returns its function OrtGetApiBase,
// which is good until release is called, or longer where someone else has loaded
// the library.
func findAPIBase(path string) (get unsafe.Pointer, release func(), err error) {
	// dlerror speaks of the last failure on the same thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cPath, cName := C.CString(path), C.CString("OrtGetApiBase")
	defer C.free(unsafe.Pointer(cPath))
	defer C.free(unsafe.Pointer(cName))
	handle := C.dlopen(cPath, C.RTLD_LAZY|C.RTLD_LOCAL)
	if handle == nil {
		return nil, nil, fmt.Errorf("%s is no library that this machine can load (%s)", path, C.GoString(C.dlerror()))
	}
	release = func() { C.dlclose(handle) }
	if get = C.dlsym(handle, cName); get == nil {
		release()
		return nil, nil, fmt.Errorf("%s is a library, but not onnxruntime: it has no OrtGetApiBase", path)
	}
	return get, release, nil
}

// olderThan compares the first three numbers of two versions.
func olderThan(version, than string) (bool, error) {
	a, err := parseVersion(version)
	if err != nil {
		return false, err
	}
	b, err := parseVersion(than)
	if err != nil {
		return false, err
	}
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i], nil
		}
	}
	return false, nil
}

// parseVersion reads "1.27.0" or "1.28.0-dev+build".
func parseVersion(s string) (v [3]int, err error) {
	release, _, _ := strings.Cut(s, "-")
	release, _, _ = strings.Cut(release, "+")
	parts := strings.Split(release, ".")
	if len(parts) < len(v) {
		return v, errors.New("not a version of three numbers")
	}
	for i := range v {
		if v[i], err = strconv.Atoi(parts[i]); err != nil {
			return v, errors.New("not a version of three numbers")
		}
	}
	return v, nil
}
