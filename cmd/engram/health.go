package main

import (
	"context"
	"time"

	"engram/cmd/engram/internal/app"

	"github.com/spf13/cobra"
)

func (c *console) healthCommand() *cobra.Command {
	var addr string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:     "health",
		Short:   "Ask a running server whether it answers",
		Long:    "Health asks engram serve for /healthz and ends with status 0 where it answers, else with 1. It is what\nan image without other tools checks itself with.",
		Example: "  engram health\n  engram health --addr 127.0.0.1:9000",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			return app.Health(ctx, addr)
		},
	}
	cmd.Flags().StringVar(&addr, "addr", "127.0.0.1:8080", "`address` of the server, host:port")
	cmd.Flags().DurationVar(&timeout, "timeout", 3*time.Second, "how long to wait for the answer")
	return cmd
}
