// Package jsonkind says in the words of JSON what a JSON value has of the wrong type.
// The errors of encoding/json name the types of Go, which are no business of the reader.
package jsonkind
