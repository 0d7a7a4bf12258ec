package index

import (
	"fmt"
	"math"
)

// Check implements Filter.
func (f And) Check() error { return checkAll("and", f) }

// Check implements Filter.
func (f Or) Check() error { return checkAll("or", f) }

func checkAll(name string, filters []Filter) error {
	for i, part := range filters {
		if part == nil {
			return fmt.Errorf("filter %d of %q is missing: %w", i, name, ErrFilter)
		}
		if err := part.Check(); err != nil {
			return err
		}
	}
	return nil
}

// Check implements Filter.
func (f Not) Check() error {
	if f.Filter == nil {
		return fmt.Errorf(`"not" has nothing to negate: %w`, ErrFilter)
	}
	return f.Filter.Check()
}

// Check implements Filter.
func (f Equal) Check() error {
	switch f.Value.(type) {
	case string, bool:
		return checkKey(f.Key)
	}
	if isNumber(f.Value) {
		return checkKey(f.Key)
	}
	return fmt.Errorf("%q is compared with a value of type %T, wanted a string, bool, int64 or finite float64: %w", f.Key, f.Value, ErrFilter)
}

// Check implements Filter.
func (f In) Check() error {
	if len(f.Values) == 0 {
		return fmt.Errorf("%q is looked for in an empty list, wanted a value at least: %w", f.Key, ErrFilter)
	}
	_, texts := f.Values[0].(string)
	for i, value := range f.Values {
		_, isText := value.(string)
		if isText != texts || isNumber(value) == texts {
			return fmt.Errorf("%q is looked for in a list whose value %d is of type %T, wanted strings only or numbers only: %w",
				f.Key, i, value, ErrFilter)
		}
	}
	return checkKey(f.Key)
}

// isNumber reports whether a value is a number that equals others.
func isNumber(value any) bool {
	switch value := value.(type) {
	case int64:
		return true
	case float64:
		return !math.IsNaN(value) && !math.IsInf(value, 0)
	}
	return false
}

// Check implements Filter.
func (f Range) Check() error {
	bounds := 0
	for _, bound := range []*float64{f.Above, f.From, f.Below, f.To} {
		if bound == nil {
			continue
		}
		if bounds++; math.IsNaN(*bound) || math.IsInf(*bound, 0) {
			return fmt.Errorf("the range of %q has the bound %v, wanted a finite one: %w", f.Key, *bound, ErrFilter)
		}
	}
	if bounds == 0 {
		return fmt.Errorf("the range of %q has no bound: %w", f.Key, ErrFilter)
	}
	return checkKey(f.Key)
}

// Check implements Filter.
func (f Exists) Check() error { return checkKey(f.Key) }

// Check implements Filter.
func (f Text) Check() error {
	for range WordsOf(f.Words) {
		return checkKey(f.Key)
	}
	return fmt.Errorf("the text looked for in %q is %q, wanted a word at least: %w", f.Key, f.Words, ErrFilter)
}

func checkKey(key string) error {
	if key == "" {
		return fmt.Errorf("a condition names no key of the payload: %w", ErrFilter)
	}
	return nil
}
