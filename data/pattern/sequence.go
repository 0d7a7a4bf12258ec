package pattern

import (
	"fmt"
	"strconv"
	"strings"
)

// numberRange is {first..last..step}. Where an end is written with zeros in
// front, all numbers get as many characters as the longer end has.
func numberRange(first, last, step string) (words, error) {
	width := 0
	if padded(first) || padded(last) {
		width = max(len(first), len(last))
	}
	from, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		return words{}, fmt.Errorf("%s: a number beyond 64 bits: %w", first, ErrSyntax)
	}
	to, err := strconv.ParseInt(last, 10, 64)
	if err != nil {
		return words{}, fmt.Errorf("%s: a number beyond 64 bits: %w", last, ErrSyntax)
	}
	offsets, err := count(from, to, step)
	if err != nil {
		return words{}, err
	}
	var out words
	for _, offset := range offsets {
		word := strconv.FormatInt(from+offset, 10)
		if missing := width - len(word); missing > 0 {
			digits := strings.TrimPrefix(word, "-")
			word = word[:len(word)-len(digits)] + strings.Repeat("0", missing) + digits
		}
		if out.text += len(word); out.text > maxText {
			return words{}, fmt.Errorf("more than %d bytes of names: %w", maxText, ErrTooMany)
		}
		out.list = append(out.list, word)
	}
	return out, nil
}

// padded tells whether a number is written with a zero in front.
func padded(number string) bool {
	digits := strings.TrimPrefix(number, "-")
	return len(digits) > 1 && digits[0] == '0'
}

// letterRange is {first..last..step} of letters.
func letterRange(first, last byte, step string) (words, error) {
	offsets, err := count(int64(first), int64(last), step)
	if err != nil {
		return words{}, err
	}
	out := words{text: len(offsets)}
	for _, offset := range offsets {
		out.list = append(out.list, string(rune(int64(first)+offset)))
	}
	return out, nil
}

// count returns the distances from one end to the numbers on the way to the
// other. The order of the ends gives the direction, whatever the sign of the step;
// a step of 0 or none is 1.
func count(from, to int64, step string) ([]int64, error) {
	stride := int64(1)
	if step != "" {
		n, err := strconv.ParseInt(strings.TrimPrefix(step, "-"), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: a step beyond 64 bits: %w", step, ErrSyntax)
		}
		stride = max(n, 1)
	}
	distance := uint64(to) - uint64(from) // right modulo 2^64 even where to-from overflows
	if to < from {
		distance = uint64(from) - uint64(to)
	}
	last := distance / uint64(stride)
	if last >= maxPaths {
		return nil, fmt.Errorf("%d to %d has more than %d steps: %w", from, to, maxPaths, ErrTooMany)
	}
	if to < from {
		stride = -stride
	}
	offsets := make([]int64, last+1)
	for i := range offsets {
		offsets[i] = int64(i) * stride
	}
	return offsets, nil
}
