package plan_test

import (
	"fmt"

	"engram/index"
	"engram/index/plan"
)

// A hundred million vectors of 768 elements with int8 codes in memory.
func Example() {
	p, err := plan.New(plan.Demand{
		Name: "photos", Items: 100_000_000, Dim: 768, Payload: 200, Indexes: 1,
		Engine: plan.Qdrant, Quantisation: index.Int8, Links: 16, Replicas: 2,
		Memory: 128 << 30, Disk: 2e12, Cores: 16, Encoders: 1,
	}, plan.DefaultRates())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range p.Cells {
		if c.Key == "memCodes" || c.Key == "nodes" {
			fmt.Printf("%s: %.0f = %s = %s\n", c.Label, c.Value, c.Formula, c.Numbers)
		}
	}
	// Output:
	// codes: 77200000000 = n * (16*ceil(D/16) + 4) = 1e+08 * (16*ceil(768/16) + 4)
	// nodes: 2 = max(R, ceil(shards*R / perNode)) = max(2, ceil(2*2 / 2))
}
