package jobs

// The kinds of jobs that administrators may ask for. Their files are named relative to the
// folder that the server was given for them.
const (
	Train     = "train"     // a decoder of scans in files
	Calibrate = "calibrate" // a decoder of a few scans that are sent
	Build     = "build"     // a collection of a folder of images or embeddings
)

// Training is what a job of the kind Train is asked, as JSON. The fields are the options of engram
// train with these names.
type Training struct {
	Subject  string  `json:"subject"` // whose scans they are: its id in addresses
	Voxels   string  `json:"voxels"`
	Mask     string  `json:"mask,omitempty"`
	Labels   string  `json:"labels,omitempty"`
	Regions  string  `json:"regions,omitempty"` // of engram serve
	Stimuli  string  `json:"stimuli,omitempty"`
	Targets  string  `json:"targets,omitempty"`
	Trials   string  `json:"trials,omitempty"`
	Column   string  `json:"column,omitempty"`
	Model    string  `json:"model,omitempty"` // "": the server's
	Preset   string  `json:"preset,omitempty"`
	Epochs   int     `json:"epochs,omitempty"`
	Batch    int     `json:"batch,omitempty"`
	LR       float64 `json:"lr,omitempty"`
	Seed     uint64  `json:"seed,omitempty"`
	LowLevel bool    `json:"low_level,omitempty"`
	Captions string  `json:"captions,omitempty"`
}

// Building is what a job of the kind Build is asked, as JSON. The fields are the options of
// engram index build with these names.
type Building struct {
	Collection string `json:"collection"` // new, or made by an earlier build
	Source     string `json:"source"`
	Model      string `json:"model,omitempty"` // "": the collection's, or the server's
	Tokens     string `json:"tokens,omitempty"`
	Prune      bool   `json:"prune,omitempty"`
}

// Calibration is what a job of the kind Calibrate is asked, as JSON.
type Calibration struct {
	Subject string     `json:"subject"` // a new one, or one that a job made
	Preset  string     `json:"preset,omitempty"`
	Seed    uint64     `json:"seed,omitempty"`
	Scans   []SeenScan `json:"scans"`
}

// SeenScan are the scans of one image.
type SeenScan struct {
	Item    uint64      `json:"item"`    // of the server's index: the image that was seen
	Repeats [][]float32 `json:"repeats"` // [repeats][voxels]
}
