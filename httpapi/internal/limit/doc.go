// Package limit bounds what clients ask at once: requests per second of each of them, and
// how many requests run and wait on the server.
package limit
