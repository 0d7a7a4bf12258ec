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
				fmt.Println(row.Name, row.Payload[index.KeyCaptions])
			}
		}
	}
	// Output:
	// scenes:seed=1&size=256/0 row 0 [a green and yellow striped truck and a small red and yellow checked kite on a snowfield by day in clear weather on snowy ground during the day under a clear sky there can be seen a green and yellow striped truck in the middle and a little red and yellow checked kite on the right in the sky a green and yellow striped lorry facing left below a tiny red and yellow checked kite on a white plain in daylight in fine weather]
	// scenes:seed=1&size=256/0 row 1 [a blue and yellow checked vase and a red cherry in a kitchen at night on a kitchen table in the dark there can be seen a blue and yellow checked vase on the left and a red cherry on the right a blue and yellow checked vase to the left of a red cherry on a wooden table after dark]
	// scenes:seed=1&size=256/0 row 2 [two grey rabbits in the woods in the evening under a clear sky before a dark forest at dusk in fine weather you can see two grey bunnies two grey rabbits facing right in a forest at sunset in clear weather]
}
