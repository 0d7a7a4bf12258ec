// Package problem is the table of what can go wrong with a request, and of how it looks to
// the client: problem details of RFC 9457.
package problem
