package httpapi

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"engram/httpapi/internal/problem"
	"engram/httpapi/internal/query"

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
		return fmt.Errorf("the query part of the address cannot be read: %w (a %% is written %%25, a ; is written %%3B): %w", err, problem.ErrQuery)
	}
	for name, given := range values {
		switch {
		case !slices.Contains(known, name) && len(known) == 0:
			return fmt.Errorf("there is no option %.40q, this route has none: %w", name, problem.ErrQuery)
		case !slices.Contains(known, name):
			return fmt.Errorf("there is no option %.40q, this route has %s: %w", name, strings.Join(known, ", "), problem.ErrQuery)
		case len(given) > 1:
			return fmt.Errorf("%s is given %d times, wanted once: %w", name, len(given), problem.ErrQuery)
		case given[0] == "":
			return fmt.Errorf("%s is empty: %w", name, problem.ErrQuery)
		}
	}
	return nil
}

// intParam reads a whole number from the query part of the address.
func intParam(c *gin.Context, name string, byDefault, most int) (int, error) {
	text := c.Query(name)
	if text == "" {
		return byDefault, nil
	}
	n, ok := query.WholeNumber(text)
	if !ok && strings.Trim(text, "0123456789") != "" {
		return 0, fmt.Errorf("%s is %.20q, wanted a whole number: %w", name, text, problem.ErrQuery)
	}
	if !ok || n < 0 || n > most {
		return 0, fmt.Errorf("%s is wanted from 0 to %d: %w", name, most, problem.ErrQuery)
	}
	return n, nil
}
