package catalogue

const megabyte = 1_000_000

// Entries returns the models, the ones that most people want first.
func Entries() []Entry {
	return []Entry{
		clipB32(), clipB32LAION(), siglipB16(), siglip2B16(), clipXLMRoberta(),
		clipB16(), clipL14(), clipL14LAION(), clipB32Fastembed(), dinov2Base(),
	}
}

func clipB32() Entry {
	return Entry{
		Name: "clip-vit-b-32", Space: "openai/clip-vit-base-patch32", Licence: "MIT", Dim: 512, Pixels: 224, Words: true,
		GoodFor:  "a first try: small and fast; the space of LAION-400M's embeddings",
		Download: map[Precision]int64{FP32: 606 * megabyte, FP16: 303 * megabyte, INT8: 154 * megabyte},
		Repository: Repository{
			ID: "Xenova/clip-vit-base-patch32", Commit: "d15189d7028b43f1d3e65039190477f6af591c2a",
			Files: map[string]File{
				"onnx/vision_model.onnx":           {351685709, "fd6e1402a588279d1723c7534d4bcba5bc0b14b47dfab0e46f8c47b8270d7d40"},
				"onnx/text_model.onnx":             {254058553, "3f6571f5bad13a97c469c1622e1cfc4d9aef78b79fdbfcff804ca357bfada8cc"},
				"onnx/vision_model_fp16.onnx":      {176080659, "35c4e0fb0aeee527dcde1693520b214a34424a786babd530f35366bad5844efd"},
				"onnx/text_model_fp16.onnx":        {127339794, "df587ffbf248bf20d44fa6e16adc5ebc27ead691860e5333dbdaab5fd6bf3f6e"},
				"onnx/vision_model_quantized.onnx": {89117001, "583fd1110a514667812fee7d684952aaf82a99b959760c8d7dca7e0ab9839299"},
				"onnx/text_model_quantized.onnx":   {64504507, "73baab855d406190da9faa498cfedf65f15cf309f4cc7385b7b032e6d08e5c3a"},
				"tokenizer.json":                   {2224119, "f7f3b7af117d467b58374797691a6438d3e6b9e9cef800dfd5dced7f697a90cd"},
				"vocab.json":                       {862328, "5047b556ce86ccaf6aa22b3ffccfc52d391ea4accdab9c2f2407da5b742d4363"},
				"merges.txt":                       {524619, "9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a"},
				"config.json":                      {4524, "493ef57ff783e42d1530c91b53469b7fdf8db8a9c1408e86998fcb7899a4f495"},
				"preprocessor_config.json":         {520, "6f638fb9401a6d6296feff533ee7efe657b787c49f954f82f5906b36ef2a1b1f"},
			},
		},
	}
}

func clipB16() Entry {
	return Entry{
		Name: "clip-vit-b-16", Space: "openai/clip-vit-base-patch16", Licence: "MIT", Dim: 512, Pixels: 224, Words: true,
		GoodFor:  "finer detail than clip-vit-b-32, at twice the time",
		Download: map[Precision]int64{FP32: 599 * megabyte, FP16: 300 * megabyte, INT8: 152 * megabyte},
		Repository: Repository{
			ID: "Xenova/clip-vit-base-patch16", Commit: "342fdf2f67aded64d138ff074745fb4a5d2bba5f",
			Files: map[string]File{
				"onnx/vision_model.onnx":           {345060583, "b5170b47c0ecc667c9af5b42ed460c341377706d1466d177798c65fe49ea1e6b"},
				"onnx/vision_model_fp16.onnx":      {172768684, "3e261924f7d66d04f10bb131f7f212162d9ee82199544771aa2dd318bb7e2b7b"},
				"onnx/text_model_fp16.onnx":        {127339794, "9e423931894ecbfc018894006883082edf010fce63f9cba02ffb6659582d8101"},
				"onnx/vision_model_quantized.onnx": {87461602, "44eece4fe5fe4e0359a88268a327adf758633a1aade3917690b952bef1501f96"},
				"onnx/text_model_quantized.onnx":   {64504507, "9106b51e6c663a56b99182ec617c2b3d53577b037e7e24a7717eb78048a0c97a"},
				"tokenizer.json":                   {2224081, "72ed5c96db5729294468543e4bc75fce14ca63f58e37300290189ba1c1e52b85"},
			},
		},
	}
}

func clipL14() Entry {
	return Entry{
		Name: "clip-vit-l-14", Space: "openai/clip-vit-large-patch14", Licence: "MIT", Dim: 768, Pixels: 224, Words: true,
		GoodFor:  "the space of LAION-5B's embeddings and of MindEye's 1×768 target",
		Download: map[Precision]int64{FP32: 1711 * megabyte, FP16: 856 * megabyte},
		Repository: Repository{
			ID: "Xenova/clip-vit-large-patch14", Commit: "c307790166907339eed5a9a53a249af534102536",
			Files: map[string]File{
				"onnx/vision_model.onnx":      {1216438437, "ff49f8aa57c7abfd26e382eb083e4dbf988505223a9bd3767dbfd4e729206709"},
				"onnx/text_model.onnx":        {0, "a86051a90491b97e2ea1d0351ef664926735bca7536034384f901915ee91fd69"},
				"onnx/vision_model_fp16.onnx": {0, "6e6b9e280b73bdc432b6c3b1c05f33596bbe5570f6825f1174eaa207fc1d22dc"},
				"onnx/text_model_fp16.onnx":   {0, "643d385d6adbc4b9067f3f94384cc63a8409accb1bfd414496d17df84b161032"},
			},
		},
	}
}

func clipB32LAION() Entry {
	return Entry{
		Name: "clip-vit-b-32-laion2b", Space: "laion/CLIP-ViT-B-32-laion2B-s34B-b79K", Licence: "MIT", Dim: 512, Pixels: 224, Words: true,
		GoodFor:  "English photos, as fast as clip-vit-b-32 and clearly better",
		Download: map[Precision]int64{FP32: 606 * megabyte},
		Repository: Repository{
			ID: "immich-app/ViT-B-32__laion2b-s34b-b79k", Commit: "19a057a0fb927cf239541300e74237cd56c7ffe2",
			Files: map[string]File{
				"visual/model.onnx":  {351613724, "b9ce24b91a8c62ef8d40ea786051709c93140104cbf2b6b4a2cc270df3838f9c"},
				"textual/model.onnx": {254193396, "48c25be37b352398f2533c9426dab6f9340535e14e46f884cc894236a5060722"},
				"textual/vocab.json": {862328, "5047b556ce86ccaf6aa22b3ffccfc52d391ea4accdab9c2f2407da5b742d4363"},
				"textual/merges.txt": {524619, "9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a"},
			},
		},
	}
}

func clipL14LAION() Entry {
	return Entry{
		Name: "clip-vit-l-14-laion2b", Space: "laion/CLIP-ViT-L-14-laion2B-s32B-b82K", Licence: "MIT", Dim: 768, Pixels: 224, Words: true,
		GoodFor:  "English photos, a little better than clip-vit-b-32-laion2b at nine times the time",
		Download: map[Precision]int64{FP32: 1711 * megabyte},
		Repository: Repository{
			ID: "immich-app/ViT-L-14__laion2b-s32b-b82k", Commit: "85f8d429fb8f0aa4bceadde7970dc1ad19038164",
			Files: map[string]File{
				"visual/model.onnx":  {1216001936, "2981f1269ffcb0dc8c2888445f925035db965421dd2b3846b19546caa1172189"},
				"textual/model.onnx": {494694283, "26f17fc8e7fc28a296152904a02f9b3995c47690d367f1b68c564a12fe4bd52d"},
			},
		},
	}
}

func siglipB16() Entry {
	return Entry{
		Name: "siglip-base-patch16-224", Space: "google/siglip-base-patch16-224", Licence: "Apache-2.0", Dim: 768, Pixels: 224, Words: true,
		GoodFor:  "English photos, better than every CLIP here but slower than the B/32 ones",
		Download: map[Precision]int64{FP32: 813 * megabyte, FP16: 407 * megabyte, INT8: 211 * megabyte},
		Repository: Repository{
			ID: "Xenova/siglip-base-patch16-224", Commit: "4649052661e53c7000355844105f8a1792088239",
			Files: map[string]File{
				"onnx/vision_model.onnx":           {371819850, "f89d41bac7f4d4b87e010a467d93f98689d708916ed22f5a07f96fdfa26f475f"},
				"onnx/text_model.onnx":             {441332132, "3aa7fdbd20eaa8740cce17bf82913de641fcb632a768fed59f661cdcd0c32553"},
				"onnx/vision_model_fp16.onnx":      {186142673, "7287a8e9cbf4f2eedd66e8dc5cf584be03108f4e4a24331879ac6ef7ac7c878f"},
				"onnx/vision_model_quantized.onnx": {99499129, "ef14a954f3d57e1806666432bd9785004c1dc27100aa260eee0cb0f10a5de058"},
				"onnx/text_model_quantized.onnx":   {111475220, "ad0329b1f35acc66d8953ff2559ce358da8eb0a7011794cf951523d63a4dbce2"},
				"tokenizer.json":                   {2398744, "4a17c975210be5ab4c36b47d8dae4eefb866dbfb1e676e394aad85dc30a3ae08"},
				"preprocessor_config.json":         {368, "21ee046a8a52a65e5f9c177bf840bfb39ea66c9c54cf2760630efd58e0a3ec80"},
			},
		},
	}
}

func siglip2B16() Entry {
	return Entry{
		Name: "siglip2-base-patch16-224", Space: "google/siglip2-base-patch16-224", Licence: "Apache-2.0", Dim: 768, Pixels: 224, Words: true,
		GoodFor:  "the best search of this list, in many languages; a large text model",
		Download: map[Precision]int64{FP32: 1501 * megabyte, FP16: 751 * megabyte, INT8: 378 * megabyte},
		Repository: Repository{
			ID: "onnx-community/siglip2-base-patch16-224-ONNX", Commit: "ba1f3b0843f24bc5417d38e19c37b287d719b2f4",
			Files: map[string]File{
				"onnx/vision_model.onnx":           {371807752, "c0573e3f4140c3a7c4e9cc5912bd6b26a033b46a6a8e8af26cbea262b163bcad"},
				"onnx/text_model.onnx":             {1129469657, "baf12d941beabafafb14f7b4adb38dc15be18681b964a84410ec53d9d65e6293"},
				"onnx/vision_model_fp16.onnx":      {186039516, "a1959f7bd3993a607e48839f6d01e25b876fe76afda301b028b78eef68aabd95"},
				"onnx/text_model_fp16.onnx":        {564862230, "711da56ada0a4aa11c7dd3320df741081a3cae4f0ae1b5e5c6d5b294738d0eb0"},
				"onnx/vision_model_quantized.onnx": {94553333, "5f2b401c1a4fc095702a5d45348e17ad46c4f87064085365b43c6e8eaa5c0070"},
				"onnx/text_model_quantized.onnx":   {283438275, "3a0603d3a00c05a80a6ded4743c16aaac7b1e62cdcc7e362e7ce418659b96400"},
				"tokenizer.json":                   {0, "cb9140fae3ac5122c972d37adf83e1248471a38147ad76f8215c8872c6fd8322"},
			},
		},
	}
}

func clipXLMRoberta() Entry {
	return Entry{
		Name: "clip-xlm-roberta-vit-b-32", Space: "laion/CLIP-ViT-B-32-xlm-roberta-base-laion5B-s13B-b90k", Licence: "MIT", Dim: 512, Pixels: 224, Words: true,
		GoodFor:    "many languages, with the fast B/32 image model",
		Download:   map[Precision]int64{FP32: 1465 * megabyte},
		Repository: Repository{ID: "immich-app/XLM-Roberta-Base-ViT-B-32__laion5b_s13b_b90k", Commit: "111f6ddca817bb6cd8343c3e3dc5ce39d9ba54b0"},
	}
}

func clipB32Fastembed() Entry {
	return Entry{
		Name: "clip-vit-b-32-fastembed", Space: "openai/clip-vit-base-patch32", Licence: "MIT", Dim: 512, Pixels: 224, Words: true,
		GoodFor:  "collections that Qdrant's fastembed has filled",
		Download: map[Precision]int64{FP32: 606 * megabyte},
		Repository: Repository{
			ID: "Qdrant/clip-ViT-B-32-vision", Commit: "e0c24ed0fa57fa3e4f97f30de74c51d944036ace",
			Files: map[string]File{
				"model.onnx": {351686194, "c68d3d9a200ddd2a8c8a5510b576d4c94d1ae383bf8b36dd8c084f94e1fb4d63"},
			},
		},
		Text: &Repository{
			ID: "Qdrant/clip-ViT-B-32-text", Commit: "48ca1db27cb4063eb311ec2aa7f087a808112876",
			Files: map[string]File{
				"model.onnx":     {254102519, "4dbe762b11e36488304471e439cde89da053ad7acaddbf9e096745d142ec8d8b"},
				"tokenizer.json": {2224147, "b68d571997a1f81bf521fb73806740ddb91e4ed6666cb6e996c066bb289cf55b"},
			},
		},
	}
}

func dinov2Base() Entry {
	return Entry{
		Name: "dinov2-base", Space: "facebook/dinov2-base", Licence: "Apache-2.0", Dim: 768, Pixels: 224,
		GoodFor:  "image to image: the same object or place; no words",
		Download: map[Precision]int64{FP32: 347 * megabyte},
		Repository: Repository{
			ID: "onnx-community/dinov2-base", Commit: "31ef06cac16d5d301c5930d147002a058c85a5e4",
			Files: map[string]File{
				"onnx/model.onnx": {346627111, "320d1012a6fc65b101fc85ca30ee7a47b2e4f6a2e8bd78fb9d7036def0e30cb0"},
			},
		},
	}
}
