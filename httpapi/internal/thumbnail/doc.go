// Package thumbnail makes small pictures and keeps the last of them in memory.
package thumbnail
