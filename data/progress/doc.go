// Package progress is how long work says how far it is. Whoever works calls a
// Func with Reports; whoever watches turns them into a bar, a log line or an
// event of a job, without knowing what the work is.
package progress
