package trials

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// Volume says what one volume belongs to.
type Volume struct {
	Label string // of the condition, such as "face" or "rest"
	Run   int    // number of the run
}

// ReadFile reads the table in the file at path.
func ReadFile(path string) ([]Volume, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("trials: %w", err)
	}
	defer f.Close()
	volumes, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("trials: %s: %w", path, err)
	}
	return volumes, nil
}

// Read reads a table: a label without spaces and the number of a run on each
// line, separated by spaces or tabs. A table without lines is refused.
func Read(r io.Reader) ([]Volume, error) {
	volumes, err := read(r)
	if err != nil {
		return nil, fmt.Errorf("trials: %w", err)
	}
	return volumes, nil
}

func read(r io.Reader) ([]Volume, error) {
	var volumes []Volume
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		number := len(volumes) + 1
		fields := strings.Fields(lines.Text())
		if len(fields) != 2 {
			return nil, fmt.Errorf("line %d: wanted a label and a run, found %d words", number, len(fields))
		}
		run, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, fmt.Errorf("line %d: wanted the number of a run, found %q", number, fields[1])
		}
		volumes = append(volumes, Volume{Label: fields[0], Run: run})
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("line %d: wanted a label and a run, found more than %d bytes", len(volumes)+1, bufio.MaxScanTokenSize)
	case err != nil:
		return nil, err
	case len(volumes) == 0:
		return nil, errors.New("wanted one line for each volume, found none")
	}
	return volumes, nil
}
