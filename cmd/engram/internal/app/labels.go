package app

import (
	"fmt"
	"os"
	"strings"

	"engram/embed"
)

// maxLabels bounds the labels of a file.
const maxLabels = 100_000

// ReadLines reads a file of labels or templates: UTF-8, one a line, without the white
// space around it. Lines that begin with # are comments. Empty lines and lines that
// come again are left out; the notes say so.
func ReadLines(path string) (lines, notes []string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	first := map[string]int{} // line of each text
	empty, number := 0, 0
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		number++
		line = strings.TrimSpace(line)
		switch before := first[line]; {
		case line == "":
			empty++
		case strings.HasPrefix(line, "#"):
		case before > 0:
			notes = append(notes, fmt.Sprintf("%s: line %d is left out, %.60q is in line %d already", path, number, line, before))
		default:
			if err := embed.CheckText(line); err != nil {
				return nil, nil, fmt.Errorf("%s: line %d: %w", path, number, err)
			}
			first[line] = number
			lines = append(lines, line)
		}
	}
	if empty > 0 {
		notes = append(notes, fmt.Sprintf("%s: empty lines are left out: %d", path, empty))
	}
	if len(lines) == 0 {
		return nil, notes, fmt.Errorf("%s has no lines with text", path)
	}
	if len(lines) > maxLabels {
		return nil, notes, fmt.Errorf("%s has %d lines, wanted at most %d", path, len(lines), maxLabels)
	}
	return lines, notes, nil
}
