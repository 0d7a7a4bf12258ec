// Package app is the application without a command line: it opens models,
// decoders and indexes by the names that users give them, and does what the
// commands do.
//
// Every operation of an App has one form,
//
//	func(ctx context.Context, spec Spec, watch progress.Func) (Result, error)
//
// so that a command can show its progress in a terminal, and a job of a server
// can send it to a browser: Build, Train and Reconstruct are such functions (see
// the example of App). A Spec is plain data; the zero value of a field is
// its documented default. The package reads no flags and no environment, and
// prints nothing: what a user reads is in the Result, in the error, or in the
// reports that watch takes.
package app
