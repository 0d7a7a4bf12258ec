package plan

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"engram/index"
)

// everyFormula makes plans that together have all formulas.
func everyFormula(t *testing.T) (plans []*Plan) {
	t.Helper()
	for _, d := range Known() {
		d.Tokens, d.Growth = 257, 1000
		for _, shards := range []int{0, 1000} {
			for _, quantisation := range []index.Quantisation{index.Unquantised, index.Int8, index.Binary} {
				if d.Engine == Local && (quantisation != index.Int8 || shards > 0) {
					continue
				}
				d.Quantisation, d.Shards = quantisation, shards
				for _, device := range []string{"cpu", "cuda:0"} {
					r := DefaultRates()
					r.Device = device
					p, err := New(d, r)
					if err != nil {
						t.Fatal(err)
					}
					plans = append(plans, p)
				}
			}
		}
	}
	return plans
}

// A text must say what the function beside it does: it is evaluated as it is
// written, and once more with six digits for every number.
func TestTheTextGivesTheValue(t *testing.T) {
	for _, p := range everyFormula(t) {
		known := evaluator(p.Demand.variables(p.Rates))
		for _, c := range p.Cells {
			if c.Source == "" || c.Label == "" || c.Unit == "" {
				t.Errorf("%s has no source, label or unit", c.Key)
			}
			got, err := known.evaluate(c.Formula)
			if err != nil || math.Abs(got-c.Value) > 1e-12*c.Value {
				t.Errorf("%s = %s gives %v (%v), the function %v", c.Key, c.Formula, got, err, c.Value)
			}
			known[c.Key] = c.Value
			got, err = evaluator{}.evaluate(c.Numbers)
			// A count of shards or nodes is rounded, and months are a difference.
			exact := c.Unit != Count && c.Unit != Months
			if err != nil || exact && math.Abs(got-c.Value) > 1e-4*c.Value {
				t.Errorf("%s = %s gives %v (%v), wanted %v", c.Key, c.Numbers, got, err, c.Value)
			}
		}
	}
}

func TestPrintAndExplain(t *testing.T) {
	plans := everyFormula(t)
	var table bytes.Buffer
	if err := Print(&table, plans...); err != nil {
		t.Fatal(err)
	}
	for _, c := range rows(plans) {
		if !strings.Contains(table.String(), "\n"+c.title()) {
			t.Errorf("the table has no row %q", c.title())
		}
	}
	for _, p := range plans {
		var text bytes.Buffer
		if err := p.Explain(&text); err != nil {
			t.Fatal(err)
		}
		for _, c := range p.Cells {
			if !strings.Contains(text.String(), c.Key+" = "+c.Formula+"\n  = "+c.Numbers+"\n") {
				t.Errorf("%s of %s is not explained", c.Key, p.Demand.Name)
			}
		}
	}
}

func TestHowValuesAreWritten(t *testing.T) {
	for _, c := range []struct {
		unit  Unit
		value float64
		want  string
	}{
		{Bytes, 0, "0 B"}, {Bytes, 999, "999 B"}, {Bytes, 999.6, "1 kB"}, {Bytes, 5_687_760_000_000, "5.69 TB"}, {Bytes, 2e21, "2e+03 EB"},
		{Hours, 0, "0 s"}, {Hours, 1. / 3600, "1 s"}, {Hours, .5, "30 min"}, {Hours, 47, "47 h"}, {Hours, 48, "2 days"}, {Hours, 8766 * 3, "3 years"},
		{Milliseconds, 3.6324, "3.63 ms"}, {Count, 5_850_000_000, "5,850,000,000"}, {Count, 999, "999"}, {Months, 12.4, "12"},
	} {
		if got := c.unit.Format(c.value); got != c.want {
			t.Errorf("%v %s is written %q, wanted %q", c.value, c.unit, got, c.want)
		}
	}
}

func TestTheEvaluatorRefuses(t *testing.T) {
	for _, text := range []string{"", "1 +", "x", "1 % 2", `"text"`, "ceil(1, 2)", "max(1)", "max(1, 2, 3)", "sqrt(4)", "f.g(1)", "-1", "ceil(x)", "x + 1", "1 + x"} {
		if _, err := (evaluator{}).evaluate(text); err == nil {
			t.Errorf("%q is evaluated", text)
		}
	}
}

func TestReadRates(t *testing.T) {
	got, err := ReadRates(strings.NewReader(`{"rates": {"machine": "ours", "scan_bytes_per_s": 5e10}, "results": []}`))
	want := DefaultRates()
	want.Machine, want.Scan = "ours", 5e10
	if err != nil || got != want {
		t.Errorf("read %+v (%v), wanted %+v", got, err, want)
	}
	for _, text := range []string{"", "[]", `{"rates": null}`, `{"rates": {"walk_ms": 0}}`, `{"rates": {"walk_ms": -1}}`, `{"rates": {"device": ""}}`, `{"rates": {"walk_ms": "1"}}`} {
		if _, err := ReadRates(strings.NewReader(text)); !errors.Is(err, ErrRates) {
			t.Errorf("%q is read, the error is %v", text, err)
		}
	}
}

func FuzzReadRates(f *testing.F) {
	f.Add([]byte(`{"rates": {"machine": "ours", "scan_bytes_per_s": 5e10}}`))
	f.Add([]byte(`{"rates": {"walk_ms": 1e999}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ReadRates(bytes.NewReader(data))
		if (err == nil) != (r.check() == nil) && r != (Rates{}) {
			t.Errorf("%q gives %+v and %v", data, r, err)
		}
		if err != nil && !errors.Is(err, ErrRates) {
			t.Errorf("%q gives %v, wanted ErrRates", data, err)
		}
	})
}
