// Package jsonobject checks the members of a JSON object, where package encoding/json is
// lenient: of a member that comes twice it takes the last one, and it matches names in
// any case.
package jsonobject
