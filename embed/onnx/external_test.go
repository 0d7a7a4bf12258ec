package onnx_test

import (
	"bytes"
	"slices"
	"testing"

	"engram/embed/onnx"

	"google.golang.org/protobuf/encoding/protowire"
)

// field returns a length-delimited field of a message with these parts.
func field(number protowire.Number, parts ...[]byte) []byte {
	b := protowire.AppendTag(nil, number, protowire.BytesType)
	return protowire.AppendBytes(b, bytes.Join(parts, nil))
}

// outside returns a TensorProto whose data lie in a file.
func outside(file string) []byte {
	entry := func(key, value string) []byte { return field(13, field(1, []byte(key)), field(2, []byte(value))) }
	location := protowire.AppendVarint(protowire.AppendTag(nil, 14, protowire.VarintType), 1)
	return slices.Concat(field(8, []byte("w")), entry("offset", "0"), entry("location", file), location)
}

func TestExternalFindsWeightsWhereverTheyAre(t *testing.T) {
	inside := field(8, []byte("location of nothing"))
	for name, c := range map[string]struct {
		model []byte
		want  []string
	}{
		"none":            {field(7, field(5, inside)), nil},
		"initialiser":     {field(7, field(5, inside), field(5, outside("a"))), []string{"a"}},
		"each once":       {field(7, field(5, outside("b")), field(5, outside("a")), field(5, outside("b"))), []string{"a", "b"}},
		"sparse":          {field(7, field(15, field(1, outside("v")), field(2, outside("i")))), []string{"i", "v"}},
		"constant":        {field(7, field(1, field(5, field(5, outside("c"))))), []string{"c"}},
		"body of a loop":  {field(7, field(1, field(5, field(6, field(5, outside("l")))))), []string{"l"}},
		"branches":        {field(7, field(1, field(5, field(11, field(5, outside("x")))))), []string{"x"}},
		"function":        {slices.Concat(field(25, field(7, field(5, field(5, outside("f"))))), field(7)), []string{"f"}},
		"training":        {field(20, field(2, field(5, outside("t")))), []string{"t"}},
		"without a place": {field(7, field(5, protowire.AppendVarint(protowire.AppendTag(nil, 14, protowire.VarintType), 1))), []string{"(no location)"}},
	} {
		got, err := onnx.External(bytes.NewReader(c.model), int64(len(c.model)))
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func TestExternalRefusesWhatIsNoModel(t *testing.T) {
	deep := outside("a")
	deep = field(5, deep)
	for range 200 {
		deep = field(1, field(5, field(6, deep)))
	}
	for name, b := range map[string][]byte{"noise": []byte("\xffnoise"), "graphs without end": field(7, deep)} {
		if got, err := onnx.External(bytes.NewReader(b), int64(len(b))); err == nil {
			t.Errorf("%s: %q and no error", name, got)
		}
	}
}

func FuzzExternal(f *testing.F) {
	f.Add(field(7, field(5, outside("a"))))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = onnx.External(bytes.NewReader(b), int64(len(b))) // does not panic
	})
}
