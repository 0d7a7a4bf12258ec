package numeric

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Count returns the number of elements of a shape, 1 for one without axes. It
// refuses negative axes and shapes whose elements could not be addressed.
func Count(shape []int) (int, error) {
	count, empty := 1, false
	for _, n := range shape {
		switch {
		case n < 0:
			return 0, fmt.Errorf("shape %s has a negative axis", ShapeString(shape))
		case n == 0:
			empty = true
		case count > math.MaxInt/maxSize/n:
			return 0, fmt.Errorf("shape %s is larger than any memory", ShapeString(shape))
		default:
			count *= n
		}
	}
	if empty {
		return 0, nil
	}
	return count, nil
}

// ShapeString joins the axes with ×; a shape without axes is "scalar".
func ShapeString(shape []int) string {
	if len(shape) == 0 {
		return "scalar"
	}
	axes := make([]string, len(shape))
	for i, n := range shape {
		axes[i] = strconv.Itoa(n)
	}
	return strings.Join(axes, "×")
}
