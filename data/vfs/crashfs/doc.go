// Package crashfs is a file system for tests that can lose power. It shows what
// a program leaves behind that forgets to sync.
//
// An FS keeps its files in a real folder, so that readers, memory maps and other
// packages open them by their paths as ever. Beside them it remembers, for each
// file, the content of its last Sync and the writes since, and for each folder,
// the names of the last SyncDir and the changes since. Crash writes into another
// folder one of the states that a power loss may leave:
//
//   - what was synced is there;
//   - the writes to a file since its last Sync are lost, kept, kept up to a random
//     byte, or kept with zeros in place of one of them, as where a file has grown
//     on the disk and the data has not arrived;
//   - each change of a name since the last SyncDir is lost or kept, in any
//     combination, as POSIX allows: a file that was created may have no name, one
//     that was removed may be back, a rename may have happened and another that
//     came before it not. A rename itself is one change, also between folders.
//
// The program under test goes on after Crash, so one run yields many crashes. A
// hook before each operation chooses the moments, and can make operations fail:
// a full disk, or a process that was killed while the system lives on.
//
// The model follows the strict in-memory file systems by which LevelDB and
// Pebble test theirs, and adds torn writes and names in any order.
package crashfs
