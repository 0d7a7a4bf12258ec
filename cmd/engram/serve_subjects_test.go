package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A table of subjects is served beside the one of --decoder, each with its decoder and scans.
func TestServeSubjects(t *testing.T) {
	c, lab := newCLI(t), newExperiment(t)
	dir := t.TempDir()
	decoder, index := filepath.Join(dir, "decoder"), filepath.Join(dir, "index")
	c.must("train", "--voxels", lab.voxels, "--stimuli", lab.photos, "--trials", lab.trials, "--preset", "linear", "--out", decoder)
	c.must("index", "build", lab.photos, "--out", index)
	table := filepath.Join(dir, "subjects.csv")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(table, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("subject,decoder,voxels,trials\nsubj02,decoder," + lab.voxels + "," + lab.trials + "\nsubj03,decoder,,n/a\n")
	s := c.serve("--index", index, "--decoder", decoder, "--subject", "subj01", "--subjects", table)
	var list struct {
		Subjects []struct {
			ID      string
			Default bool
			Trials  int
		}
	}
	s.call(&list, "/v1/subjects", "", "")
	if len(list.Subjects) != 3 || list.Subjects[0].ID != "subj01" || !list.Subjects[0].Default || list.Subjects[1].Trials != 32 || list.Subjects[2].Trials != 0 {
		t.Errorf("the subjects are %+v", list)
	}
	body := filepath.Join(dir, "body.json")
	if err := os.WriteFile(body, []byte(`{"trial":"trial-6","k":1}`), 0o644); err != nil {
		t.Fatal(err)
	}
	var got searchAnswer
	if status := s.call(&got, "/v1/subjects/subj02/search", "application/json", body); status != 200 || got.Hits[0].Payload["path"] != "p12.png" {
		t.Errorf("search of subj02: status %d, %+v, want p12.png, which trial 6 saw", status, got)
	}
	if status := s.call(&got, "/v1/subjects/subj03/search", "application/json", body); status != 404 {
		t.Errorf("search of subj03, which has no trials: status %d", status)
	}
	var models struct {
		Models []struct {
			Use, Subject string
			Bytes        int64
		}
	}
	s.call(&models, "/v1/models", "", "")
	if len(models.Models) != 4 || models.Models[0].Use != "image" || models.Models[3].Subject != "subj03" || models.Models[3].Bytes == 0 {
		t.Errorf("the models are %+v", models)
	}
	s.stop()

	for text, want := range map[string]string{
		"subject,decoder\nsubj02,\n":                                  `line 2 has the subject "subj02" with the decoder ""`,
		"subject,decoder,voxel\n":                                     `has the column "voxel", wanted subject and decoder`,
		"subject,decoder\nsubj02,decoder\nsubj02,decoder\n":           `two subjects have the id "subj02"`,
		"subject,decoder\nsubj02,gone\n":                              "subject subj02:",
		"subject,decoder,voxels\nsubj02,decoder," + lab.trials + "\n": "subject subj02:",
		"decoder\ndecoder\n":                                          `no column "subject"`,
	} {
		write(text)
		c.refuse([]string{want}, "serve", "--index", index, "--subjects", table)
	}
}
