package source_test

import (
	"context"
	"fmt"

	"engram/index"
	"engram/index/source"
)

// Generated scenes need no files; a folder or a pattern of files is opened in the
// same way.
func Example() {
	ctx := context.Background()
	scenes, err := source.Open("scenes:3?seed=1", source.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	shards, err := scenes.Shards(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, shard := range shards {
		for rows, err := range shard.Read(ctx, 0) {
			if err != nil {
				fmt.Println(err)
				return
			}
			for _, row := range rows {
				captions, _ := row.Payload[index.KeyCaptions].([]string)
				fmt.Println(row.Name, captions[0])
			}
		}
	}
	// Output:
	// scenes:seed=1&size=256/0 row 0 a green and yellow striped truck and a small red and yellow checked kite on a snowfield by day in clear weather
	// scenes:seed=1&size=256/0 row 1 a blue and yellow checked vase and a red cherry in a kitchen at night
	// scenes:seed=1&size=256/0 row 2 two grey rabbits in the woods in the evening under a clear sky
}
