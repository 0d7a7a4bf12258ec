package httpapi

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
)

// anyOption stands for every option, on routes of the page: its own addresses have
// options that its script reads.
const anyOption = "*"

// checkOptions refuses an address whose query part cannot be read, or has an option
// that the route does not know, one that comes twice or one without a value. The
// readers of net/url and gin leave out what they cannot read, and a search without
// its filter would answer as if nothing were wrong.
func checkOptions(rawQuery string, known []string) error {
	if slices.Contains(known, anyOption) {
		return nil
	}
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		return fmt.Errorf("the query part of the address cannot be read: %w (a %% is written %%25, a ; is written %%3B): %w", err, errQuery)
	}
	for name, given := range values {
		switch {
		case !slices.Contains(known, name) && len(known) == 0:
			return fmt.Errorf("there is no option %.40q, this route has none: %w", name, errQuery)
		case !slices.Contains(known, name):
			return fmt.Errorf("there is no option %.40q, this route has %s: %w", name, strings.Join(known, ", "), errQuery)
		case len(given) > 1:
			return fmt.Errorf("%s is given %d times, wanted once: %w", name, len(given), errQuery)
		case given[0] == "":
			return fmt.Errorf("%s is empty: %w", name, errQuery)
		}
	}
	return nil
}

// wholeNumber reads a whole number as JSON Schema has it: 2, and 2.0 too.
func wholeNumber(text string) (int, bool) {
	if n, err := strconv.Atoi(text); err == nil {
		return n, true
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		return 0, false
	}
	return int(x), true
}

// intParam reads a whole number from the query part of the address.
func intParam(c *gin.Context, name string, byDefault, most int) (int, error) {
	text := c.Query(name)
	if text == "" {
		return byDefault, nil
	}
	n, ok := wholeNumber(text)
	if !ok && strings.Trim(text, "0123456789") != "" {
		return 0, fmt.Errorf("%s is %.20q, wanted a whole number: %w", name, text, errQuery)
	}
	if !ok || n < 0 || n > most {
		return 0, fmt.Errorf("%s is wanted from 0 to %d: %w", name, most, errQuery)
	}
	return n, nil
}
