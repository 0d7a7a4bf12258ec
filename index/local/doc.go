// Package local is the embedded engine: a Store that lives in a folder and in
// this process.
//
// Rows lie in immutable segments: those on disk are files mapped into memory,
// the newest are in memory until Flush writes them. Replacing or deleting an
// item marks its row as dead in a set of tombstones beside the segment. A
// manifest names the files that are the index, and is replaced in one step, so
// that after a crash or on a full disk the folder holds exactly the state of an
// earlier Flush. A flush also merges segments once many are small or two in five of
// their rows are dead, which gives disk and memory back. One begins by itself once a
// fifth of the rows on disk has gone (see Upsert). Segments of more than 1 GiB of live rows
// are left to Optimise.
//
// Where a durability is set (see SetDurability), each write also goes to a write-ahead log
// before it is seen, and opening the index applies what the log has. A flush cuts the log
// off.
//
// A segment can have a graph beside it, through which a search finds its rows without
// looking at every one (see package graph). The end of a bulk load and Optimise build
// graphs. Where searches come beside writes, rows in memory get one that grows; a flush
// writes it, and segments with graphs are merged in the background by growing the largest
// one. The graphs of other large segments are built there too, once no flush has ended for a
// while or searches have scanned them often. Rows in no graph are scanned.
//
// A search works on a snapshot, the list of segments and tombstones of one
// moment. It takes no lock and sees all of an Upsert or nothing. There is one
// writer at a time; Upsert and Delete queue for it. A flush works on a snapshot
// too, and holds up nobody but other flushes; one that Upsert begins to keep the
// memory bounded is joined by the next flush, or by Close. Where it fails, the next
// write says why (see Watch).
//
// One process opens an index for writing at a time; another gets index.ErrLocked.
// Any number of processes read it meanwhile (OpenReadOnly), each as it was when
// it was opened. The package runs on Unix systems.
package local
