package double_test

import (
	"context"
	"fmt"
	"log"

	"engram/index/qdrant"
	"engram/index/qdrant/double"
)

func Example() {
	server, err := double.Start(double.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Stop()

	ctx := context.Background()
	store, err := qdrant.Create(ctx, qdrant.Options{Addr: server.Addr(), Collection: "photos"}, qdrant.Schema{Dim: 3})
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	info, err := store.Info(ctx)
	fmt.Println(info.Engine, info.Dim, info.Count, err, server.Calls("Collections/Create"))
	// Output: qdrant 3 0 <nil> 1
}
