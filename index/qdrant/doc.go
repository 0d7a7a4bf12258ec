// Package qdrant is the engine beyond one machine: a Store whose items lie in a
// collection of a Qdrant server or cluster, version 1.17 or later of 1.x.
//
// An item is a point with its id as a number, its unit vector under a name, and
// its payload. The collection's metadata hold the model and labels, so that a
// collection explains itself. Vectors lie on disk, their codes of one byte or one
// bit per element in memory.
//
// Search is exact in collections up to Options.ExactUpTo items and where a query
// asks for that, and goes over the server's graph otherwise. Filters are pushed
// down to the server. Where the server's idea of a condition differs from
// index.Filter's, in texts and in numbers with a fraction, it is asked for more
// and the hits are checked here.
//
// Within one Store a search sees all of an Upsert or nothing, and All keeps to
// the moment when it started; what other processes write shows point by point.
// An item is durable when Upsert returns: Flush has nothing to do.
//
// Every call has a deadline. Calls that the server refused because it is busy or
// restarting are repeated a few times; then index.ErrUnavailable says so.
package qdrant
