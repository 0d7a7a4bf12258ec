package index

import "context"

// PayloadSetter is a Store that replaces payloads and leaves vectors and tokens alone.
type PayloadSetter interface {
	Store

	// SetPayloads replaces the payloads of the items with these ids that are there, and
	// returns how many. A payload that Upsert would refuse refuses the whole call
	// (ErrPayload). Visible and durable as for Upsert.
	SetPayloads(ctx context.Context, payloads map[ID]Payload) (int, error)
}
