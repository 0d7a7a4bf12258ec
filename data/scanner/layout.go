package scanner

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// place is where a voxel lies and what its place says about its field.
type place struct {
	at        [3]int // in the volume
	area      Area
	leftBrain bool
	// u grows from 0 at the back of the area to 1 at its front, v from 0 at its
	// bottom to 1 at its top, both evenly over its voxels.
	u, v float64
}

// region is an area of one hemisphere before it has voxels.
type region struct {
	area      Area
	leftBrain bool
	middle    [3]float64
	stretch   [3]float64
	want      int
}

// layOut places so many voxels in a volume of the returned shape, in C order.
// Regions grow around their middles until they have the voxels that they want,
// where two meet the nearer one wins. Middles, shapes and sizes differ from
// subject to subject.
func layOut(voxels int, dice *rand.Rand) (shape [3]int, places []place) {
	regions := newRegions(voxels, dice)
	free := reach(regions)
	type claim struct {
		distance float64
		region   int
		at       [3]int
	}
	var claims []claim
	for _, at := range free {
		for i, r := range regions {
			claims = append(claims, claim{r.distance(at), i, at})
		}
	}
	slices.SortFunc(claims, func(a, b claim) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.region, b.region), slices.Compare(a.at[:], b.at[:]))
	})
	taken := make(map[[3]int]bool)
	groups := make([][]place, len(regions))
	for _, c := range claims {
		r := regions[c.region]
		if len(groups[c.region]) < r.want && !taken[c.at] {
			taken[c.at] = true
			groups[c.region] = append(groups[c.region], place{at: c.at, area: r.area, leftBrain: r.leftBrain})
		}
	}
	for _, group := range groups {
		setCoordinates(group)
		places = append(places, group...)
	}
	return fit(places), places
}

// newRegions draws the regions of a subject.
func newRegions(voxels int, dice *rand.Rand) []region {
	weights := make([]float64, 2*len(anatomy))
	var total float64
	for i := range weights {
		weights[i] = anatomy[i/2].share * math.Exp(0.15*dice.NormFloat64())
		total += weights[i]
	}
	diameter := math.Cbrt(float64(voxels) / float64(len(weights)))
	var regions []region
	var sum float64
	done := 0
	for i, weight := range weights {
		r := region{area: Area(i / 2), leftBrain: i%2 == 0}
		sum += weight
		upTo := int(math.Round(sum / total * float64(voxels)))
		r.want, done = upTo-done, upTo
		for axis, at := range anatomy[r.area].at {
			r.middle[axis] = diameter * (at + 0.15*dice.NormFloat64())
			r.stretch[axis] = math.Exp(0.2 * dice.NormFloat64())
		}
		if r.leftBrain {
			r.middle[0] = -r.middle[0]
		}
		regions = append(regions, r)
	}
	return regions
}

// distance returns how far a voxel is from the region's middle in its metric.
func (r *region) distance(at [3]int) float64 {
	var sum float64
	for axis, m := range r.middle {
		d := (float64(at[axis]) - m) / r.stretch[axis]
		sum += d * d
	}
	return math.Sqrt(sum)
}

// reach returns the points of the lattice near the regions, more than they want.
func reach(regions []region) [][3]int {
	low, high := [3]int{math.MaxInt32, math.MaxInt32, math.MaxInt32}, [3]int{math.MinInt32, math.MinInt32, math.MinInt32}
	total := 0
	for _, r := range regions {
		total += r.want
		for axis, m := range r.middle {
			low[axis] = min(low[axis], int(math.Floor(m)))
			high[axis] = max(high[axis], int(math.Ceil(m)))
		}
	}
	margin := 2 + int(math.Cbrt(float64(total)/float64(len(regions))))
	var points [][3]int
	for x := low[0] - margin; x <= high[0]+margin; x++ {
		for y := low[1] - margin; y <= high[1]+margin; y++ {
			for z := low[2] - margin; z <= high[2]+margin; z++ {
				points = append(points, [3]int{x, y, z})
			}
		}
	}
	return points
}

// setCoordinates ranks the voxels of a region from back to front and, within
// slices of about as many voxels as there are slices, from bottom to top.
func setCoordinates(group []place) {
	order := func(axis int) func(a, b place) int {
		return func(a, b place) int {
			other := (axis + 1) % 3
			return cmp.Or(cmp.Compare(a.at[axis], b.at[axis]), cmp.Compare(a.at[other], b.at[other]),
				cmp.Compare(a.at[3-axis-other], b.at[3-axis-other]))
		}
	}
	slices.SortFunc(group, order(1))
	for i := range group {
		group[i].u = (float64(i) + 0.5) / float64(len(group))
	}
	slab := int(math.Ceil(math.Sqrt(float64(len(group)))))
	for part := range slices.Chunk(group, max(1, slab)) {
		slices.SortFunc(part, order(2))
		for i := range part {
			part[i].v = (float64(i) + 0.5) / float64(len(part))
		}
	}
}

// fit moves the voxels into a volume with one empty voxel around them, orders
// them in C order and returns the shape of the volume.
func fit(places []place) (shape [3]int) {
	low, high := places[0].at, places[0].at
	for _, p := range places {
		for axis, at := range p.at {
			low[axis], high[axis] = min(low[axis], at), max(high[axis], at)
		}
	}
	for i := range places {
		for axis := range 3 {
			places[i].at[axis] += 1 - low[axis]
		}
	}
	for axis := range shape {
		shape[axis] = high[axis] - low[axis] + 3
	}
	slices.SortFunc(places, func(a, b place) int { return slices.Compare(a.at[:], b.at[:]) })
	return shape
}
