// Package fetch gets files from the web for clients that name addresses, and never from the
// network that the server itself is in (server-side request forgery, CWE-918).
package fetch
