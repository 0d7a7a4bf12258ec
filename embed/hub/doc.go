// Package hub downloads published models from the Hugging Face hub, or from a
// mirror of it.
//
// A Client resolves a revision of a repository, such as "main", to a commit once.
// The Snapshot that it returns lists the files of that commit with their sizes and
// hashes, and everything after that is asked for by commit. A hash that the caller knows
// better, or that a mirror leaves out, may be written into the Snapshot.
//
// Read returns a small file, such as config.json. Fetch puts files into a folder.
// Both check the size and the hash: SHA-256 where the hub keeps the file in LFS,
// else the SHA-1 of the git blob. So no server between needs to be trusted, and a
// truncated file is never taken as whole.
//
// # Interrupted downloads
//
// While it works, Fetch keeps what has arrived in the folder .download inside the
// target folder, one .part file for each content. A file gets its own name when
// its hash has been checked and its content is on the disk. The next Fetch goes on
// where the last one ended, by a Range request, also after a kill or a power loss.
// A lock makes a second process wait and then find the files there.
//
// # The Hugging Face cache
//
// Files that a Python program has downloaded before are taken from the cache of
// huggingface_hub (Options.CacheDir) after their hash has been checked. Fetch makes
// a hard link. Where it cannot, as between two disks, it makes a symbolic link with
// an absolute target, and says so in Placed.How. Package model follows a link out of
// a model's folder only where model.WriteLinks has listed it, so that the caller
// passes the paths of these files on. The link dangles when the cache is cleaned;
// Fetch then downloads the file. Nothing is ever written into that cache.
//
// # Errors
//
// An error is one sentence that says what to do, and wraps one of the sentinels of
// this package. Answers 408, 429 and 5xx, broken connections and bodies that stall
// are tried again first, see Patience.
package hub
