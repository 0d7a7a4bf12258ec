// Package vfs writes files that survive a crash: whole or not at all, durable
// once the call returns, and by one process at a time.
//
// WriteFile and Create write to a temporary file in the same folder, sync it,
// rename it over the target and sync the folder. A reader sees the old content
// or the new one, also after a power loss or on a full disk. MkdirAll makes
// folders whose names are durable. Lock keeps a folder to one process by a lock
// on a file in it; the lock ends with the process, however the process ends.
// Locks need a Unix system.
//
// FS is the seam between a file format and the file system: it has the calls that
// change files and folders or make a change durable. OS calls the operating system. Package crashfs has one for tests that loses power. What
// only reads has no seam, because crashfs keeps its files in a real folder.
// Where a function has two forms, the one whose name ends in FS takes the file
// system and the other uses OS.
package vfs
