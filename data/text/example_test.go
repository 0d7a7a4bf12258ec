package text_test

import (
	"fmt"

	"engram/data/text"
)

func ExampleDecode() {
	for _, file := range []string{"caf\xc3\xa9", "\xef\xbb\xbfcaf\xc3\xa9", "caf\xe9", "\xff\xfec\x00a\x00f\x00\xe9\x00", "été \xc3"} {
		content, err := text.Decode([]byte(file))
		fmt.Println(content, err)
	}
	// Output:
	// café <nil>
	// café <nil>
	// café <nil>
	// café <nil>
	// été � <nil>
}
