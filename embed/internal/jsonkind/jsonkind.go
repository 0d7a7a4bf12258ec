package jsonkind

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// Explain returns an error of encoding/json about a value of the wrong type as one that
// names the member, what it is and what was wanted. Other errors stay as they are.
func Explain(err error) error {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return err
	}
	member := "it"
	if wrong.Field != "" {
		member = fmt.Sprintf("%q", wrong.Field)
	}
	return fmt.Errorf("%s is %s, wanted %s", member, found(wrong.Value), wanted(wrong.Type))
}

// found names a value as encoding/json describes it: its kind, or "number" with the
// number itself where that does not fit.
func found(value string) string {
	switch value {
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "bool":
		return "true or false"
	}
	return "a " + value
}

// wanted names the JSON values that fit a type.
func wanted(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return fmt.Sprintf("a whole number of %d bits", t.Bits())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return fmt.Sprintf("a whole number of %d bits from 0 on", t.Bits())
	}
	return "another value"
}
