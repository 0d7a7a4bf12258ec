package bitmap_test

import (
	"fmt"

	"engram/index"
	"engram/index/internal/bitmap"
)

func Example() {
	width := bitmap.Field{Key: "width", Kind: bitmap.Values}
	b := bitmap.NewBuilder(width)
	for _, value := range []any{int64(640), nil, 1280.0, int64(320)} {
		b.Add(value)
	}
	encoded, err := b.Encode()
	if err != nil {
		fmt.Println(err)
		return
	}
	widths, err := bitmap.Parse(width, 4, encoded)
	if err != nil {
		fmt.Println(err)
		return
	}
	wide := index.Range{Key: "width", From: new(640.0)}
	choice, err := bitmap.Choose(index.And{wide, index.Text{Key: "caption", Words: "red"}}, 4,
		func(f bitmap.Field) (*bitmap.Index, error) {
			if f == width {
				return widths, nil
			}
			return nil, nil
		})
	fmt.Println("possible:", choice.Possible.Count(), "sure:", choice.Sure.Count(), "exact:", choice.Exact, err)
	// Output: possible: 2 sure: 0 exact: false <nil>
}
