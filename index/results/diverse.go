package results

// marginal chooses k hits by maximal marginal relevance among hits with vectors (see
// Diverse), and returns their places. Of equal candidates the earlier one is chosen.
func marginal(hits []entry, vectors [][]float32, k int, d marginality) []int {
	relevance := make([]float64, len(hits))
	for i, h := range hits {
		relevance[i] = float64(h.Score)
	}
	if d.scaled {
		scale(relevance)
	}
	var p products
	chosen := make([]int, 0, min(k, len(hits)))
	taken := make([]bool, len(hits))
	nearest := make([]float64, len(hits)) // the largest cosine with a chosen hit
	for len(chosen) < cap(chosen) {
		best, most := -1, 0.
		for i := range hits {
			if taken[i] {
				continue
			}
			if gain := d.lambda*relevance[i] - (1-d.lambda)*nearest[i]; best < 0 || gain > most {
				best, most = i, gain
			}
		}
		for i, v := range vectors {
			if x := p.of(vectors[best], v); len(chosen) == 0 || x > nearest[i] {
				nearest[i] = x
			}
		}
		taken[best] = true
		chosen = append(chosen, best)
	}
	return chosen
}

// marginality says how marginal chooses.
type marginality struct {
	lambda float64
	scaled bool // scores are no cosines: relevance is their place between the least and the largest
}

// scale moves values to 0 to 1.
func scale(x []float64) {
	if len(x) == 0 {
		return
	}
	least, most := x[0], x[0]
	for _, v := range x {
		least, most = min(least, v), max(most, v)
	}
	for i, v := range x {
		if x[i] = 0; most > least {
			x[i] = (v - least) / (most - least)
		}
	}
}
