package jobs

// Reconstruct is the kind of job that makes pictures of what was seen.
const Reconstruct = "reconstruct"

// Reconstruction is what a job of the kind Reconstruct is asked, as JSON.
type Reconstruction struct {
	Subject    string      `json:"subject,omitempty"` // whose scan it is; "": the server's own
	Repeats    [][]float32 `json:"repeats"`           // of one scan
	Candidates int         `json:"candidates,omitempty"`
	Steps      int         `json:"steps,omitempty"`
	Seed       uint64      `json:"seed,omitempty"`
}
