package plan

import "engram/index"

// DefaultRates are medians of engram bench on two cores of an EPYC (Zen 4), with
// AVX-512: photos and MobileNetV2, 100,000 random vectors of 768 elements for the
// import, the scan over 1,000,000, and a Qdrant 1.18.3 on the same two cores, which
// builds graphs of random vectors more slowly than graphs of a model's vectors. The
// embedded engine's graph is of the hard set (index/internal/graph/NOTES.md), on an
// EPYC (Zen 5).
func DefaultRates() Rates {
	return Rates{
		Machine: "built in: two cores, MobileNetV2, Qdrant 1.18.3 on random vectors",
		Decode:  456, Encode: 204, Device: "cpu",
		Import: 347e6, Upload: 108e6, Scan: 26.7e9,
		Link: 650, Walk: 2.1, EmbeddedLink: 10_900, EmbeddedWalk: .065,
	}
}

// Known returns the demands of data sets that people know, each on the engine
// that suits it: COCO's training images, LAION-400M and LAION-5B. COCO's payload is
// the mean of 159 images as engram index build keeps it; LAION-5B's metadata takes
// up 900 GB.
func Known() []Demand {
	node := Demand{Indexes: 1, Links: 16, Replicas: 1, Memory: 256e9, Disk: 8e12, Cores: 32, Encoders: 1, Quantisation: index.Int8}
	coco, small, large := node, node, node
	coco.Name, coco.Items, coco.Dim, coco.Payload, coco.Engine = "COCO train2017", 118_287, 768, 234, Local
	small.Name, small.Items, small.Dim, small.Payload, small.Engine = "LAION-400M", 400_000_000, 512, 154, Qdrant
	large.Name, large.Items, large.Dim, large.Payload, large.Engine = "LAION-5B", 5_850_000_000, 768, 154, Qdrant
	return []Demand{coco, small, large}
}
