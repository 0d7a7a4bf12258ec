package app

import (
	"context"
	"fmt"
	"net/http"
)

// Health returns nil where the server at addr, host:port, says that it is healthy.
func Health(ctx context.Context, addr string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/healthz", nil)
	if err != nil {
		return fmt.Errorf("--addr %q: %w", addr, err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the server at %s answers %s, wanted 200", addr, response.Status)
	}
	return nil
}
