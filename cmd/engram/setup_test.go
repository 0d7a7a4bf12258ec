package main

import (
	"os"
	"path/filepath"
	"testing"

	"engram/cmd/engram/internal/app"
)

func TestSetup(t *testing.T) {
	c := newCLI(t)
	var got app.Installation
	c.json(&got, "setup")
	if got.Library != c.args[1] || got.Cache != c.args[3] || got.Version == "" || got.Device != "cpu" || got.How != "found" {
		t.Errorf("setup found %+v, want the library %s on cpu with the cache %s", got, c.args[1], c.args[3])
	}
}

// An image is built on a machine that may lack the device it is for.
func TestSetupThatOnlyFetchesRunsNoModel(t *testing.T) {
	c := newCLI(t)
	var got app.Installation
	c.json(&got, "setup", "--fetch-only", "--device", "cuda:7")
	if got.Library != c.args[1] || got.Version == "" || got.Device != "" {
		t.Errorf("setup found %+v, wanted the library %s and no device", got, c.args[1])
	}
	if _, err := os.Stat(filepath.Join(c.args[3], "models")); !os.IsNotExist(err) {
		t.Errorf("it wrote a model (%v)", err)
	}
}

// A flag goes before the environment.
func TestSetupTakesTheLibraryFromFlagThenEnvironment(t *testing.T) {
	c := newCLI(t)
	flags := c.args
	c.args = nil
	c.env = map[string]string{"ENGRAM_ONNXRUNTIME": flags[1], "ENGRAM_CACHE": flags[3]}
	var got app.Installation
	c.json(&got, "setup")
	if got.Library != flags[1] || got.Cache != flags[3] {
		t.Errorf("with the environment: %+v, want %v", got, flags)
	}
	c.env["ENGRAM_ONNXRUNTIME"], c.env["ENGRAM_CACHE"] = "/nowhere.so", "/nowhere"
	c.json(&got, append([]string{"setup"}, flags...)...)
	if got.Library != flags[1] || got.Cache != flags[3] {
		t.Errorf("with flags too: %+v, want %v", got, flags)
	}
}

func TestSetupRefuses(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text.so")
	writeFile(t, text, []byte("no library"))
	c := &cli{t: t, args: []string{"--cache", dir}}
	c.refuse([]string{"/nowhere.so: no such file"}, "setup", "--onnxruntime", "/nowhere.so")
	c.refuse([]string{text + " is no library that this machine can load"}, "setup", "--onnxruntime", text)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the cache has %v (%v), want nothing but text.so", entries, err)
	}
	c.args = newCLI(t).args
	c.refuse([]string{`device "gpu", wanted "cpu" or "cuda:N"`}, "setup", "--device", "gpu")
}
