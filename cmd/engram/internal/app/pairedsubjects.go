package app

import "engram/embed/eval"

// PairedSubjectsScore compares two decoders over subjects, from PairedScore of each.
type PairedSubjectsScore struct {
	FirstDecoder  string `json:"first"`
	SecondDecoder string `json:"second"`
	Repeats       int    `json:"repeats"`
	eval.PairedSubjects
	// Adjusted is Top1P adjusted for all pairs of decoders at these repeats, by Holm.
	Adjusted float64 `json:"top1_p_holm"`
}

// addOverPaired adds the paired tests over subjects of every pair of decoders that all
// subjects have.
func (e *Evaluation) addOverPaired(seed uint64) error {
	type pair struct {
		first, second string
		repeats       int
	}
	top1, twoWay := map[pair][]float64{}, map[pair][]float64{}
	var order []pair
	for _, s := range e.Subjects {
		for _, p := range s.Paired {
			key := pair{p.FirstDecoder, p.SecondDecoder, p.Repeats}
			if top1[key] == nil {
				order = append(order, key)
			}
			top1[key], twoWay[key] = append(top1[key], p.Top1.Mean), append(twoWay[key], p.TwoWay.Mean)
		}
	}
	for _, key := range order {
		if len(top1[key]) < len(e.Subjects) {
			continue
		}
		compared, err := eval.ComparedSubjects(top1[key], twoWay[key], seed)
		if err != nil {
			return err
		}
		e.OverPaired = append(e.OverPaired, PairedSubjectsScore{FirstDecoder: key.first, SecondDecoder: key.second, Repeats: key.repeats, PairedSubjects: compared})
	}
	e.adjustOverPaired()
	return nil
}

// adjustOverPaired sets Adjusted of all pairs.
func (e *Evaluation) adjustOverPaired() {
	members := map[int][]int{} // repeats → rows
	for i, p := range e.OverPaired {
		members[p.Repeats] = append(members[p.Repeats], i)
	}
	for _, rows := range members {
		var p []float64
		for _, i := range rows {
			p = append(p, e.OverPaired[i].Top1P)
		}
		for k, adjusted := range eval.Holm(p) {
			e.OverPaired[rows[k]].Adjusted = adjusted
		}
	}
}
