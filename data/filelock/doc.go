// Package filelock keeps a folder to one process at a time, by a lock on a file
// in it that ends with the process, however that ends. It runs on Unix systems.
package filelock
