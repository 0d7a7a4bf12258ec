package index

// Explanation says how a search found its hits (see Query.Explain).
type Explanation struct {
	Path SearchPath `json:"path"`
	// Items is how many items the walked graphs have, and Scanned how many items the
	// scanned parts have. A filter may have left out most of these.
	Items   int `json:"items"`
	Scanned int `json:"scanned"`
	// Effort is how many items the widest walk kept; 0: there was none, or it is not known.
	Effort int `json:"effort,omitempty"`
	// Recall is the share of the exact hits that such a search is estimated to find on
	// average: 1 where it was exact, for a walk what was measured when its graph was built.
	// With a filter it is the recall without. nil: it is not known.
	Recall *float64 `json:"recall,omitempty"`
}

// SearchPath names what a search did.
type SearchPath string

// The paths. ByScanAfterWalk is a scan of the items that a filter chooses, after a walk
// that would have taken longer was given up. A collection on a server says no more than
// ByServer.
const (
	ByScan          SearchPath = "scan"
	ByScanAfterWalk SearchPath = "scan after a walk"
	ByWalk          SearchPath = "walk"
	ByFilteredWalk  SearchPath = "filtered walk"
	ByWalkAndScan   SearchPath = "walk and scan"
	ByServer        SearchPath = "server"
)
