// Package double is a Qdrant server of version 1.18 for tests, in this process
// and in memory: what package qdrant calls, with the server's own rules for
// names, filters, order, normalisation and errors, over real gRPC on a loopback
// port.
//
// It is written from the server's documentation and behaviour, and shares
// nothing with the adapter but the generated messages. Where the server promises
// nothing, the double does what is least convenient: of equal scores the higher
// ids come first, writes that nobody waits for are applied late, and numbers
// with a fraction lose their last bit where the server's JSON reader loses it.
//
// Tests also let it fail, dawdle, ask for patience, and tamper with replies.
package double
