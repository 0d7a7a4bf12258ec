// Package wal is a write-ahead log: records that are appended to a file, each under
// a CRC-32C, and made durable in groups. FORMAT.md lays the file out byte by byte.
//
// A log is one file. An index has a chain of logs in one folder, in ascending order of
// their numbers: a new one begins while a segment is written from the rows of those
// before. Records are numbered through the chain. Read returns the records of a chain.
//
// A crash can leave the last records torn, those that were not synced. They are left out
// as if they had never been appended. A record that was synced, as a later record
// says, and does not match its checksum is damage.
package wal
