package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"engram/recon/pretrain"
)

func TestPretrain(t *testing.T) {
	t.Parallel()
	c := newCLI(t)
	out, kept := filepath.Join(t.TempDir(), "models"), t.TempDir()
	text := c.must("pretrain", "--out", out, "--scale", "tiny", "--epochs", "2", "--seed", "3", "--score-every", "1", "--checkpoint", kept)
	for _, want := range []string{
		"clip         epoch 1 of 2, loss ", "text to image, top 1 of 20: ", "autoencoder  " + filepath.Join(out, "autoencoder"),
		"PSNR in dB: ", "two-way identification of 20: ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, m := range pretrain.Models() {
		c.must("model", "show", filepath.Join(out, m.Folder()))
		card, err := os.ReadFile(filepath.Join(out, m.Folder(), pretrain.CardFile))
		if err != nil || !strings.Contains(string(card), "engram pretrain --model "+string(m)+" --scale tiny --seed 3 --epochs 2") {
			t.Errorf("card of %s: %v\n%s", m, err, card)
		}
	}
	// The finished training is found in its checkpoint and only written again.
	if again := c.must("pretrain", "--out", out, "--scale", "tiny", "--epochs", "2", "--seed", "3", "--score-every", "1", "--checkpoint", kept); strings.Contains(again, "epoch 2") {
		t.Errorf("trained again:\n%s", again)
	}
}

func TestPretrainRefusals(t *testing.T) {
	c := newCLI(t)
	out := t.TempDir()
	c.refuse([]string{"wanted --out, not given"}, "pretrain")
	c.refuse([]string{`--model is "poet"`, "clip text autoencoder detail denoiser scans judge"}, "pretrain", "--out", out, "--model", "poet")
	c.refuse([]string{`scale is "vast"`, "tiny or small"}, "pretrain", "--out", out, "--scale", "vast")
	c.refuse([]string{"--epochs is -1"}, "pretrain", "--out", out, "--epochs", "-1")
	c.refuse([]string{"the denoiser learns from the models", "clip"}, "pretrain", "--out", out, "--scale", "tiny", "--model", "denoiser")
	writeFile(t, filepath.Join(out, "clip", "diary.txt"), []byte("dear diary"))
	c.refuse([]string{"clip is not empty and holds no model"}, "pretrain", "--out", out, "--scale", "tiny")
}
