package progress

// Report says how far a stage of some work is.
type Report struct {
	// Stage is what is being done, such as "training". A new Stage means that
	// the one before has ended.
	Stage string `json:"stage"`
	// Unit is what Done and Total count, such as "epochs" or "bytes".
	Unit string `json:"unit"`
	Done int64  `json:"done"`
	// Total is how many there will be, as far as is known by now; 0 where it is
	// not known. It may change from report to report.
	Total int64 `json:"total"`
	// Figures are what else is worth seeing, such as the loss of an epoch, in
	// the order in which they are shown.
	Figures []Figure `json:"figures,omitempty"`
}

// Figure is a named number of a Report.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// Func takes reports. The calls for one piece of work do not overlap, and a call
// returns soon. A nil Func watches nothing.
type Func func(Report)

// Report calls f where there is one.
func (f Func) Report(r Report) {
	if f != nil {
		f(r)
	}
}

// Stage returns what reports the progress of one stage: how many units are done
// and how many there are, 0 where that is not known. It calls f with none done
// first.
func (f Func) Stage(stage, unit string, total int64) func(done, total int64) {
	f.Report(Report{Stage: stage, Unit: unit, Total: total})
	return func(done, total int64) {
		f.Report(Report{Stage: stage, Unit: unit, Done: done, Total: total})
	}
}
