package pool_test

import (
	"context"
	"fmt"

	"engram/cmd/engram/internal/pool"
)

// model is something that is costly to keep open.
type model string

func (m model) Close() error {
	fmt.Println(m, "is closed")
	return nil
}

func Example() {
	models := pool.New(pool.Options[string, model]{Most: 1, Open: func(_ context.Context, name string) (model, error) {
		fmt.Println(name, "is opened")
		return model(name), nil
	}})
	for _, name := range []string{"pixels", "pixels", "clip"} {
		_, giveBack, err := models.Lend(context.Background(), name)
		if err != nil {
			fmt.Println(err)
			return
		}
		giveBack()
	}
	fmt.Println(models.Close())
	// Output:
	// pixels is opened
	// pixels is closed
	// clip is opened
	// clip is closed
	// <nil>
}
