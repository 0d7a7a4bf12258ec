package hubtest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"engram/embed/hub"
	"engram/embed/hub/hubtest"
)

// A test starts a hub with one repository, drops the first connection of a download,
// and sees it go on.
func Example() {
	t := &testing.T{} // the one of a test function
	server := hubtest.New(t, hubtest.Repo{Name: "owner/clip", Files: fstest.MapFS{"model.onnx": {Data: []byte("weights")}}})
	dropped := false
	server.Fault(func(r *http.Request) hubtest.Fault {
		if !dropped && strings.HasSuffix(server.CDN, r.Host) {
			dropped = true
			return hubtest.Fault{Cut: 3}
		}
		return hubtest.Fault{}
	})
	client, err := hub.New(hub.Options{Endpoint: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(client != nil)
}
