package model_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/embed/model"

	"google.golang.org/protobuf/encoding/protowire"
)

// withWeights writes an ONNX file that keeps its weights in the file called name.
func withWeights(t *testing.T, dir, name string) string {
	t.Helper()
	field := func(number protowire.Number, parts ...[]byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), bytes.Join(parts, nil))
	}
	external := protowire.AppendVarint(protowire.AppendTag(nil, 14, protowire.VarintType), 1)
	graph := field(7, field(5, field(13, field(1, []byte("location")), field(2, []byte(name))), external))
	path := filepath.Join(dir, "model.onnx")
	if err := os.WriteFile(path, graph, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWrapTakesWeightsBesideTheModelAlong(t *testing.T) {
	from, dir := t.TempDir(), filepath.Join(t.TempDir(), "model")
	graph := withWeights(t, from, "model.onnx.data")
	weights := filepath.Join(from, "model.onnx.data")
	if err := os.WriteFile(weights, []byte("weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := model.Wrap(dir, graph, manifest(model.Features))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "model.onnx.data")); err != nil || string(got) != "weights" {
		t.Errorf("the model has weights %q, %v", got, err)
	}
	if err := os.WriteFile(weights, []byte("others!"), 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := model.Wrap(filepath.Join(t.TempDir(), "model"), graph, manifest(model.Features))
	if err != nil {
		t.Fatal(err)
	}
	if other.Fingerprint() == m.Fingerprint() {
		t.Error("the fingerprint does not depend on weights beside the model")
	}
}

func TestWeightsThatCannotBeTaken(t *testing.T) {
	for name, want := range map[string]string{
		"missing.data":     "is not there",
		"../elsewhere":     "its own folder",
		"/etc/hostname":    "its own folder",
		`..\elsewhere`:     "its own folder",
		"a/../../climbing": "its own folder",
		"":                 "is not there", // a tensor that names no file
	} {
		dir := filepath.Join(t.TempDir(), "model")
		graph := withWeights(t, t.TempDir(), name)
		_, err := model.Wrap(dir, graph, manifest(model.Features))
		if !errors.Is(err, model.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("weights in %q: %v, want that it %s", name, err, want)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("weights in %q: something was written", name)
		}
		if err := model.CheckGraph(graph); !errors.Is(err, model.ErrInvalid) {
			t.Errorf("weights in %q: CheckModel says %v", name, err)
		}
	}
}

// A manifest that a person wrote may forget the weights.
func TestOpenWantsAChecksumOfWeights(t *testing.T) {
	from, dir := t.TempDir(), filepath.Join(t.TempDir(), "model")
	graph := withWeights(t, from, "w")
	if err := os.WriteFile(filepath.Join(from, "w"), []byte("weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := model.Wrap(dir, graph, manifest(model.Features)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, model.FileName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	delete(m["files"].(map[string]any), "w")
	if text, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := model.Open(dir); !errors.Is(err, model.ErrInvalid) || !strings.Contains(err.Error(), "weights") {
		t.Errorf("opened with %v, want that a file with weights has no checksum", err)
	}
}
