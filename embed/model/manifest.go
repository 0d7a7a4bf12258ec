package model

// FileName is the name of the manifest in a model's folder.
const FileName = "bundle.json"

// Format is the version of the manifest's layout that this package reads and
// writes. A manifest with another one is refused.
const Format = 1

// Kind says what a model's graphs do, and so which fields its manifest has.
type Kind string

// The kinds of model, with the graphs that each has (name: inputs → outputs).
const (
	// CLIP has image: pixels [n,3,S,S] → tokens [n,T,D], or embedding [n,D]
	// where T is 1; and may have text: ids [n,context] → embedding [n,D].
	CLIP Kind = "clip"
	// Features has image: pixels [n,3,S,S] → embedding [n,D], with T = 1.
	Features Kind = "features"
	// VAE has encoder: pixels [n,3,S,S] → latent [n,C,S/f,S/f], and decoder:
	// latent → pixels.
	VAE Kind = "vae"
	// Denoiser has denoiser: latent [n,C,S/f,S/f], time [n], and context [n,T,D] or
	// labels [n,2·D] or both → prediction [n,C,S/f,S/f]; see Condition.
	Denoiser Kind = "denoiser"
	// Decoder has decoder: voxels [n,V] → tokens [n,T,D], or embedding [n,D]
	// where T is 1; and may give backbone [n,T,D] beside it, which a prior takes.
	Decoder Kind = "decoder"
	// Prior has prior: predicted [n,T,D], noisy [n,T,D] and time [n] → tokens [n,T,D].
	Prior Kind = "prior"
	// LowLevel has lowlevel: voxels [n,V] → latent [n,C,S/f,S/f].
	LowLevel Kind = "lowlevel"
)

// Manifest is the content of a bundle.json. Fields that a kind has no use for
// are absent; a manifest that has them is refused.
type Manifest struct {
	Format  int    `json:"format"` // Format, or 0 for it in Write
	Kind    Kind   `json:"kind"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Licence string `json:"licence"` // an SPDX identifier where there is one
	Source  string `json:"source"`  // where the weights come from, for a reader

	// Files maps each file, by its slash-separated path in the folder, to its
	// SHA-256 in lower-case hexadecimal.
	Files map[string]string `json:"files"`
	// Graphs maps the names that the kind prescribes to ONNX files.
	Graphs map[string]Graph `json:"models"`

	T         int `json:"tokens,omitempty"`     // tokens per image
	D         int `json:"dim,omitempty"`        // elements per token
	ImageSize int `json:"image_size,omitempty"` // S: pixels per side, square

	// Precision is the number format of the weights, where the publisher offers
	// several: "" (fp32), "fp16" or "int8". Graphs take and give float32 all the same.
	Precision string `json:"precision,omitempty"`

	Preprocess *Preprocess `json:"preprocess,omitempty"`  // clip, features, vae
	Tokenizer  *Tokenizer  `json:"tokenizer,omitempty"`   // clip with a text graph
	Latent     *Latent     `json:"latent,omitempty"`      // vae, denoiser, lowlevel
	Scheduler  *Scheduler  `json:"scheduler,omitempty"`   // denoiser, prior
	Sampling   *Sampling   `json:"sampling,omitempty"`    // denoiser or prior, where it has a way of its own
	Condition  *Condition  `json:"condition,omitempty"`   // denoiser that takes more than its tokens
	Scale      *TokenScale `json:"token_scale,omitempty"` // prior whose tokens are not the space's own

	Voxels int    `json:"voxels,omitempty"` // decoder, lowlevel: V, voxels per scan
	Target string `json:"target,omitempty"` // decoder, prior, lowlevel: fingerprint of the model whose space it predicts
}

// Graph names one ONNX file and its tensors: what this program calls a tensor
// → what the file calls it.
type Graph struct {
	File    string            `json:"file"`
	Inputs  map[string]string `json:"inputs"`
	Outputs map[string]string `json:"outputs"`
}

// Preprocess says how a decoded image becomes a tensor: resize, crop, map the
// bytes 0…255 to Range, then (value − Mean[c]) / Std[c] for the channels R, G
// and B. See package pixels for the exact arithmetic.
type Preprocess struct {
	Filter    string `json:"filter"`    // see pixels.Filter
	Antialias bool   `json:"antialias"` // true: as Pillow; false: as PyTorch's interpolate
	Crop      string `json:"crop"`      // see pixels.Crop
	// Resize is the length of the shorter side before the middle is cropped, in
	// pixels; 0 means S.
	Resize int `json:"resize,omitempty"`
	// Rounding says where an odd margin goes when the middle is cropped: "" (half to
	// even, as torchvision) or "floor" (as Hugging Face's image processors).
	Rounding string `json:"rounding,omitempty"`
	// Fill is the value, 0…255, of the three channels beside an image that is padded.
	Fill  int        `json:"fill,omitempty"`
	Range [2]float64 `json:"range"` // usually [0, 1]
	Mean  [3]float64 `json:"mean"`
	Std   [3]float64 `json:"std"`
}

// Tokenizer names the tokenizer files of a text graph, and what the files do not
// say. See package tokenizer.
type Tokenizer struct {
	File    string `json:"file"`             // any file that package tokenizer reads
	Merges  string `json:"merges,omitempty"` // merges.txt, beside a vocab.json
	Context int    `json:"context"`          // ids per text, padded
	Pad     *int   `json:"pad,omitempty"`    // id that fills a text up, where it is not the file's
	Clean   string `json:"clean,omitempty"`  // what is done to a text first, see tokenizer.CleanWeb and the others
	Lower   bool   `json:"lower,omitempty"`  // texts are put into lower case first
}

// Latent describes the latent image of an autoencoder.
type Latent struct {
	Channels int     `json:"channels"`
	Factor   int     `json:"factor"` // image pixels per latent pixel, per side
	Scale    float64 `json:"scale"`  // the denoiser sees latent × Scale
}

// Scheduler holds the noise schedule that a denoiser was trained with, in the
// vocabulary of the diffusers library.
type Scheduler struct {
	Steps        int     `json:"steps"`         // training steps, usually 1000
	BetaStart    float64 `json:"beta_start"`    // of the first step
	BetaEnd      float64 `json:"beta_end"`      // of the last step
	BetaSchedule string  `json:"beta_schedule"` // "linear", "scaled_linear" or "cosine"
	Prediction   string  `json:"prediction"`    // "epsilon", "v" or "sample"
}

// Sampling says how a denoiser is sampled where nothing else is asked for. What
// is zero is left to the program.
type Sampling struct {
	Method   string  `json:"method,omitempty"`   // "ddim", "euler", "dpm++2m" or "unipc"
	Order    int     `json:"order,omitempty"`    // of unipc: 1 to 3
	Spacing  string  `json:"spacing,omitempty"`  // "trailing", "leading" or "linspace"
	Offset   int     `json:"offset,omitempty"`   // of the steps of leading; 1 in Stable Diffusion
	Karras   bool    `json:"karras,omitempty"`   // the noise of the steps is spaced as Karras et al. do
	Steps    int     `json:"steps,omitempty"`    // of sampling
	Guidance float64 `json:"guidance,omitempty"` // weight of the condition
}

// LabelNoise says how unCLIP adds noise to an embedding: standardised by mean and standard
// deviation of each element over images, as the cosine schedule of 1,000 steps adds it at the
// step NoiseLevel, and taken back.
type LabelNoise struct {
	Mean []float32 `json:"mean"` // [D]
	Std  []float32 `json:"std"`  // [D]
}

// TokenScale says how the noisy and the predicted tokens of a prior differ from the
// tokens of its space.
type TokenScale struct {
	// Factor multiplies the space's tokens: √D in MindEye.
	Factor float64 `json:"factor"`
	// UnitGlobal divides all tokens that were sampled by the length of token 0, which is 1 in
	// spaces whose tokens are divided so, as Versatile Diffusion's are.
	UnitGlobal bool `json:"unit_global,omitempty"`
}

// Condition says how a denoiser is given the tokens, where that is not context,
// [n,T,D], alone. Without a condition all of context and labels is zero.
type Condition struct {
	// ZeroText is the number of zero tokens that stand before the T tokens in context,
	// [n,ZeroText+T,D]: the empty text of Versatile Diffusion has 77.
	ZeroText int `json:"zero_text,omitempty"`
	// NoiseLevel is the level that labels, [n,2·D], state behind the embedding, by D
	// cosines and sines as unCLIP has them.
	NoiseLevel int `json:"noise_level,omitempty"`
	// Noise is added to the embedding in labels, as much as NoiseLevel says; nil adds none.
	Noise *LabelNoise `json:"noise,omitempty"`
	// Constants are further inputs, [n,k], by their names in the graph's Inputs: k
	// numbers that are the same for every picture, such as the sizes of SDXL.
	Constants map[string][]float32 `json:"constants,omitempty"`
}
