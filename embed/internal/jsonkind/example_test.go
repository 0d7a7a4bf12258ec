package jsonkind_test

import (
	"encoding/json"
	"fmt"

	"engram/embed/internal/jsonkind"
)

func Example() {
	var config struct {
		Size       int              `json:"size"`
		Mean       []float64        `json:"mean"`
		Vocabulary map[string]int32 `json:"vocab"`
	}
	for _, text := range []string{`{"size":"big"}`, `{"mean":.5}`, `{"mean":0.5}`, `[1]`, `{"vocab":{"a":99999999999}}`, `{"size":true}`} {
		fmt.Println(jsonkind.Explain(json.Unmarshal([]byte(text), &config)))
	}
	// Output:
	// "size" is a string, wanted a whole number of 64 bits
	// invalid character '.' looking for beginning of value
	// "mean" is a number, wanted a list
	// it is a list, wanted an object
	// "vocab" is a number 99999999999, wanted a whole number of 32 bits
	// "size" is true or false, wanted a whole number of 64 bits
}
