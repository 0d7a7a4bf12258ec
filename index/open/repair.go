package open

import (
	"context"
	"fmt"

	"engram/index"
	"engram/index/local"
)

// Repair makes the damaged folder of an index whole again, or says what it would do (see
// local.Repair). A server looks after its collections by itself.
func Repair(ctx context.Context, name string, opts local.RepairOptions) (*index.RepairReport, error) {
	if IsCollection(name) {
		return nil, fmt.Errorf("%s is on a server, which repairs its collections by itself: wanted the folder of an index", name)
	}
	return local.Repair(ctx, name, opts)
}
