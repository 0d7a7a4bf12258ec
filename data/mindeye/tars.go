package mindeye

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// The splits of the data set. The published networks are trained on Train and Val
// and scored on Test.
const (
	Train = "train"
	Val   = "val"
	Test  = "test"
)

// Subjects returns, in ascending order, the subjects of whom there are tars in
// the folder of the data set.
func Subjects(dir string) ([]int, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("mindeye: %w", err)
	}
	var subjects []int
	for _, split := range []string{Train, Val, Test} {
		parts, err := parts(dir, split)
		if err != nil {
			return nil, err
		}
		for subject := range parts {
			subjects = append(subjects, subject)
		}
	}
	slices.Sort(subjects)
	return slices.Compact(subjects), nil
}

// Tars returns the paths of a subject's tars of a split by their parts, from 0
// on without a gap.
func Tars(dir, split string, subject int) ([]string, error) {
	bySubject, err := parts(dir, split)
	if err != nil {
		return nil, err
	}
	paths := make([]string, len(bySubject[subject]))
	for part := range paths {
		path, found := bySubject[subject][part]
		if !found {
			return nil, fmt.Errorf("mindeye: %s is missing, %d tars of the split are there", filepath.Join(dir, TarName(split, subject, part)), len(paths))
		}
		paths[part] = path
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("mindeye: wanted %s, found no tar of subject %d in the split", filepath.Join(dir, TarName(split, subject, 0)), subject)
	}
	return paths, nil
}

// parts returns the paths of a split's tars by subject and part. A folder that is
// missing has none.
func parts(dir, split string) (map[int]map[int]string, error) {
	entries, err := os.ReadDir(filepath.Join(dir, split))
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("mindeye: %w", err)
	}
	found := make(map[int]map[int]string)
	for _, e := range entries {
		var subject, part int
		_, err := fmt.Sscanf(e.Name(), split+"_subj%d_%d.tar", &subject, &part)
		if err != nil || TarName(split, subject, part) != filepath.Join(split, e.Name()) {
			continue // another file
		}
		if found[subject] == nil {
			found[subject] = make(map[int]string)
		}
		found[subject][part] = filepath.Join(dir, split, e.Name())
	}
	return found, nil
}
