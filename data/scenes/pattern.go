package scenes

// pattern returns the pattern of a thing over all of its extent.
func pattern(t *Thing, e extent, d *dice) shape {
	animal := t.Kind.Category() == Animal
	switch {
	case t.Pattern == Striped && animal:
		return standing(t, e, d)
	case t.Pattern == Striped:
		return bars(e)
	case t.Pattern == Checked:
		return checks(e)
	case animal:
		return patches(e, d)
	}
	return dots(e)
}

// broad tells whether a striped animal has few broad stripes or many fine ones.
func (t *Thing) broad() bool { return t.Individual%2 == 0 }

// standing returns the upright stripes of an animal: each wavers in its own way.
func standing(t *Thing, e extent, d *dice) shape {
	step := (e.right - e.left) / 15
	if t.broad() {
		step = (e.right - e.left) / 10
	}
	var out shape
	for x := e.left + d.between(0, step); x < e.right; x += d.between(step*0.75, step*1.3) {
		out = append(out, wave(e, x, step, d)...)
	}
	return out
}

// wave returns one stripe from above to below, around x.
func wave(e extent, x, step float64, d *dice) shape {
	high := e.bottom - e.top
	shift := func() float64 { return plus(x, step, d.between(-0.5, 0.5)) }
	return limb(step*d.between(0.3, 0.62), step*d.between(0.3, 0.62),
		shift(), e.top, shift(), plus(e.top, high, 0.3), shift(), plus(e.top, high, 0.55), shift(), e.bottom)
}

// lying returns the level stripes of legs and faces.
func lying(e extent, d *dice) shape {
	step := (e.bottom - e.top) / 12
	var out shape
	for y := e.top; y < e.bottom; y += d.between(step*0.8, step*1.2) {
		out = append(out, line(step*0.45, e.left, y, e.right, y)...)
	}
	return out
}

// bars returns upright stripes of equal width.
func bars(e extent) shape {
	step := cell(e)
	var out shape
	for x := e.left + step/2; x < e.right; x += step {
		out = append(out, box(x, e.top, x+step/2, e.bottom)...)
	}
	return out
}

// checks returns the black squares of a chessboard.
func checks(e extent) shape {
	step := cell(e) / 2
	var out shape
	odd := false
	for y := e.top; y < e.bottom; y += step {
		odd = !odd
		x := e.left
		if odd {
			x += step
		}
		for ; x < e.right; x += 2 * step {
			out = append(out, box(x, y, x+step, y+step)...)
		}
	}
	return out
}

// dots returns round dots in rows.
func dots(e extent) shape {
	step := cell(e)
	var out shape
	odd := false
	for y := e.top + step/4; y < e.bottom; y += float64(step * 0.75) {
		odd = !odd
		x := e.left + step/4
		if odd {
			x += step / 2
		}
		for ; x < e.right; x += step {
			out = append(out, disc(x, y, float64(step*0.24))...)
		}
	}
	return out
}

// patches returns the irregular spots of an animal.
func patches(e extent, d *dice) shape {
	step := cell(e)
	var out shape
	for y := e.top; y < e.bottom; y += float64(step * 0.85) {
		for x := e.left + d.between(0, step); x < e.right; x += d.between(step, step*1.5) {
			out = append(out, ellipse(x, plus(y, step, d.between(-0.3, 0.3)),
				step*d.between(0.25, 0.5), step*d.between(0.2, 0.36))...)
		}
	}
	return out
}

// cell returns the period of a regular pattern.
func cell(e extent) float64 { return max(e.right-e.left, e.bottom-e.top) / 7 }
