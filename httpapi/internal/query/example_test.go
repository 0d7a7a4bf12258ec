package query_test

import (
	"fmt"
	"net/url"
	"strings"

	"engram/httpapi/internal/query"
)

func ExampleRead() {
	q, err := query.Read("application/json", url.Values{}, strings.NewReader(`{"text":"a dog on a beach","k":3}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(q.K, q.Parts[0].Kind, q.Parts[0].Text)
	// Output: 3 text a dog on a beach
}
