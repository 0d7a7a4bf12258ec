// Package racetest tells tests whether the race detector is on. Under it sync.Pool
// drops a quarter of what it is given, so that memory that is used again elsewhere is
// allocated.
package racetest
