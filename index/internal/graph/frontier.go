package graph

// frontier is the rows that a walk has scored and whose links it has not followed: a heap
// with the best row first.
type frontier []candidate

// push adds a row.
func (f *frontier) push(c candidate) {
	h := append(*f, c)
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].score >= c.score {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = c
	*f = h
}

// pop takes the best row out. There must be one.
func (f *frontier) pop() candidate {
	h := *f
	best, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	i := 0
	for 2*i+1 < len(h) {
		child := 2*i + 1
		if child+1 < len(h) && h[child+1].score > h[child].score {
			child++
		}
		if h[child].score <= last.score {
			break
		}
		h[i] = h[child]
		i = child
	}
	if len(h) > 0 {
		h[i] = last
	}
	*f = h
	return best
}
