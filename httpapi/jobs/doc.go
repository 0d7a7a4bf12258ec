// Package jobs runs work that takes longer than a request: it is queued, says how far it is,
// can be cancelled, and is kept in a folder, so that a restart goes on with it.
//
// Each job has a folder with job.json, which says what it is and how far; request, what it
// was asked, until it has ended; and files, which it made. One job of a lane runs at a time,
// because a training or a reconstruction takes all processors; lanes keep what takes seconds
// from waiting for what takes hours.
package jobs
