// Package wal is a write-ahead log: records that are appended to a file, each under
// a CRC-32C, and made durable in groups. FORMAT.md lays the file out byte by byte.
//
// A log is one file. An index has a chain of logs in one folder, in ascending order of
// their numbers: a new one begins while a segment is written from the rows of the logs
// before. Read returns the records of a chain.
//
// A crash can leave the last records torn that were not synced. They are left out as if
// they had never been appended. Marks in the header say how far a log was synced: a
// record up to there that does not match its checksum is damage, the last one too. The
// sound records after it are read all the same.
package wal
