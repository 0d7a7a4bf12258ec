package ingest

import (
	"encoding/json"
	"fmt"
	"slices"

	"engram/index"
	"engram/index/source"
)

// plan is what there is to do.
type plan struct {
	shards map[string]*source.Shard // of the job's part, by name
	todo   []*reading               // shards to read
	begun  []entry                  // records of shards that are new or have changed
	end    end
}

// plan compares the shards of the source with the ledger.
func (j Job) plan(report *Report) (*plan, error) {
	shards := slices.Clone(j.Shards)
	where, err := j.filterFingerprint()
	if err != nil {
		return nil, err
	}
	all, names := source.NewFingerprint(), make(map[string]bool, len(shards))
	for i := range shards {
		s := &shards[i]
		if names[s.Name] {
			return nil, fmt.Errorf("two shards are called %s", s.Name)
		}
		names[s.Name] = true
		s.Fingerprint += where // another filter makes another shard
		all.Add(s.Name)
		all.Add(s.Fingerprint)
	}
	p := &plan{shards: map[string]*source.Shard{}, end: end{Part: j.Part, Shards: len(shards), List: all.String()}}
	own := j.Part.of(shards)
	report.Shards = len(own)
	for i := range own {
		p.shards[own[i].Name] = &own[i]
		j.planShard(p, own[i], report)
	}
	return p, nil
}

// planShard says what to do about a shard.
func (j Job) planShard(p *plan, s source.Shard, report *Report) {
	known := j.Ledger.state(s.Name)
	same := known != nil && known.Fingerprint == s.Fingerprint
	switch {
	case same && j.Retry && (len(known.bad) > 0 || known.Damaged != ""):
		report.count(counts{Unchanged: known.Stored + known.Unchanged, Excluded: known.Excluded})
		p.todo = append(p.todo, newRetry(s, known))
	case same:
		report.count(counts{Unchanged: known.Stored + known.Unchanged, Excluded: known.Excluded, Unusable: known.Unusable})
		if known.Done {
			report.Skipped++
			return
		}
		p.todo = append(p.todo, newReading(s, known))
	default:
		r := newReading(s, known)
		p.todo = append(p.todo, r)
		p.begun = append(p.begun, entry{Shard: &record{Name: s.Name, Fingerprint: s.Fingerprint, Stale: r.stale}})
	}
}

// filterFingerprint identifies the job's filter, "" for none.
func (j Job) filterFingerprint() (string, error) {
	if j.Where == nil {
		return "", nil
	}
	if err := j.Where.Check(); err != nil {
		return "", err
	}
	f := source.NewFingerprint()
	if err := describe(f, j.Where); err != nil {
		return "", err
	}
	return "-" + f.String(), nil
}

// describe adds what a filter says to a fingerprint.
func describe(f source.Fingerprint, filter index.Filter) error {
	f.Add(fmt.Sprintf("%T", filter))
	var parts []index.Filter
	switch filter := filter.(type) {
	case index.And:
		parts = filter
	case index.Or:
		parts = filter
	case index.Not:
		parts = []index.Filter{filter.Filter}
	default:
		text, err := json.Marshal(filter)
		f.Add(string(text))
		return err
	}
	for _, part := range parts {
		if err := describe(f, part); err != nil {
			return err
		}
	}
	f.Add("end")
	return nil
}
