package problem_test

import (
	"fmt"

	"engram/httpapi/internal/problem"
)

func ExampleNew() {
	p := problem.New(fmt.Errorf("the index has no item 7: %w", problem.ErrNoItem), "trace-1")
	fmt.Println(p.Status, p.Type)
	fmt.Println(p.Detail)
	// Output:
	// 404 urn:engram:problem:no-such-item
	// the index has no item 7
}
