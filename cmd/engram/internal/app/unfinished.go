package app

import (
	"fmt"
	"os"
	"path/filepath"
)

// UnfinishedError ended a command that goes on where it was when it is given again.
type UnfinishedError struct {
	Err error
	Out string // folder with what is finished
}

// Error says what happened, and how to go on.
func (u *UnfinishedError) Error() string { return fmt.Sprintf("%v (%s)", u.Err, u.Stays()) }

// Unwrap returns what happened.
func (u *UnfinishedError) Unwrap() error { return u.Err }

// Stays says where what is finished is, and how to go on.
func (u *UnfinishedError) Stays() string {
	return fmt.Sprintf("what is finished is in %s, and the same command goes on there", u.Out)
}

// CheckFolderOf refuses a file of a flag, "" for none, whose folder is not there.
func CheckFolderOf(flag, file string) error {
	if file == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Dir(file)); err != nil {
		return fmt.Errorf("%s %s: its folder: %w", flag, file, err)
	}
	return nil
}
