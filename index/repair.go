package index

// RepairReport says what is damaged in an index, and what a repair does about it.
type RepairReport struct {
	Index  string  `json:"index"`
	Faults []Fault `json:"faults"`
	// Items are there after the repair, and Lost are at most how many are not.
	Items int `json:"items"`
	Lost  int `json:"lost"`
	// LostIDs are the lost items whose ids could be read.
	LostIDs []ID `json:"lost_ids,omitempty"`
	// LostRecords are places in the log where acknowledged writes are lost.
	LostRecords int `json:"lost_records"`
	// Repaired is false where nothing was written.
	Repaired bool `json:"repaired"`
}

// Fault is one thing that is damaged.
type Fault struct {
	Damage string `json:"damage"` // with file and offset
	Remedy string `json:"remedy"`
	Lost   int    `json:"lost"` // items that are lost with it, at most
}
