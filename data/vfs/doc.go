// Package vfs is how Engram writes files that must survive: whole or not at
// all, durable once the call returns, and by one process at a time.
//
// WriteFile and Create write to a temporary file in the same folder, sync it and
// rename it over the target, so that a reader sees the old content or the new
// one, also after a crash or on a full disk. Lock keeps a folder to one process
// by a lock on a file in it that ends with the process, however that ends; it
// runs on Unix systems.
package vfs
