package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// What cobra says of flags that exclude each other, where one of several is needed, and
// where all are.
var (
	exclusiveFlags = regexp.MustCompile(`^if any flags in the group \[.*\] are set none of the others can be; \[(.*)\] were all set$`)
	oneOfFlags     = regexp.MustCompile(`^at least one of the flags in the group \[(.*)\] is required$`)
	neededFlags    = regexp.MustCompile(`^required flag\(s\) "(.*)" not set$`)
)

// flagError says in the words of the other messages what cobra says of groups of flags.
func flagError(err error) error {
	names := func(of *regexp.Regexp, separator string) []string {
		found := of.FindStringSubmatch(err.Error())
		if found == nil {
			return nil
		}
		return strings.Split("--"+strings.ReplaceAll(found[1], separator, separator+"--"), separator)
	}
	if given := names(exclusiveFlags, " "); given != nil {
		return fmt.Errorf("%s are given, wanted one of them", join(given, "and"))
	}
	if missing := names(oneOfFlags, " "); missing != nil {
		return fmt.Errorf("wanted %s, found none", join(missing, "or"))
	}
	if missing := names(neededFlags, `", "`); missing != nil {
		return errors.New("wanted " + join(missing, "and") + ", not given")
	}
	return err
}

// join writes names as people list them.
func join(names []string, last string) string {
	n := len(names) - 1
	if n == 0 {
		return names[0]
	}
	return strings.Join(names[:n], ", ") + " " + last + " " + names[n]
}
