package plan

// DefaultRates are those of two cores, as the table of speeds in the README has
// them: a photo of 640×480 pixels to a tensor in 5.7 ms of one core, MobileNetV2
// from file to vector at 95 images/s, an exact scan by one thread. Import was
// measured by engram bench on two cores of an EPYC (Zen 4), in time of the
// processor. Link and Walk are hnswlib's over int8 codes there, with AVX-512:
// 200,000 × 768 in 38 s on two cores, 4,406 searches per second and core at
// recall@10 .9996. Upload was not measured: it is assumed.
func DefaultRates() Rates {
	return Rates{
		Machine: "built in: two cores, MobileNetV2; the graph's are hnswlib's, the upload is assumed",
		Decode:  350, Encode: 130, Device: "cpu",
		Import: 110e6, Upload: 30e6, Scan: 14.3e9,
		Link: 200_000 / 38. / 2, Walk: 1000. / 4406,
	}
}

// Known returns the demands of data sets that people know, each on the engine
// that suits it: COCO's training images, LAION-400M and LAION-5B. COCO's payload is
// the mean of 159 images as engram index build keeps it; LAION-5B's metadata takes
// up 900 GB.
func Known() []Demand {
	node := Demand{Indexes: 1, Links: 16, Replicas: 1, Memory: 256e9, Disk: 8e12, Cores: 32, Encoders: 1, Quantisation: Int8}
	coco, small, large := node, node, node
	coco.Name, coco.Items, coco.Dim, coco.Payload, coco.Engine = "COCO train2017", 118_287, 768, 234, Local
	small.Name, small.Items, small.Dim, small.Payload, small.Engine = "LAION-400M", 400_000_000, 512, 154, Qdrant
	large.Name, large.Items, large.Dim, large.Payload, large.Engine = "LAION-5B", 5_850_000_000, 768, 154, Qdrant
	return []Demand{coco, small, large}
}
