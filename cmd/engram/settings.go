package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// settings are the flags of a command that also the environment and a file set: a flag
// goes before ENGRAM_NAME, which goes before the file, which goes before the default.
type settings struct {
	file  string // "": none
	print bool
	from  map[string]string // flag → where its value comes from; the others have their defaults
}

// notSettings are flags that say what to do with the others.
func notSettings() []string { return []string{"config", "print-config", "help"} }

// addFlags adds the flags that name the file and print the settings.
func (s *settings) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&s.file, "config", "", "YAML `file` of settings, by the names of these flags (default $ENGRAM_CONFIG)")
	flags.BoolVar(&s.print, "print-config", false, "print all settings and where each comes from, and end")
}

// variable returns the environment variable of a flag.
func variable(flag string) string {
	return "ENGRAM_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// read sets the flags of cmd that its command line does not set. args are its arguments:
// where it has some, index is a flag that would contradict them.
func (s *settings) read(cmd *cobra.Command, args []string, getenv func(string) string) error {
	flags := cmd.Flags()
	s.from = map[string]string{}
	flags.Visit(func(f *pflag.Flag) { s.from[f.Name] = "flag" })
	if s.file == "" {
		s.file = getenv(variable("config"))
	}
	file, err := readSettings(s.file)
	if err != nil {
		return err
	}
	for name := range file {
		if flags.Lookup(name) == nil || slices.Contains(notSettings(), name) {
			return fmt.Errorf("%s: there is no setting %q (see %s --print-config)", s.file, name, cmd.CommandPath())
		}
	}
	var faults []error
	flags.VisitAll(func(f *pflag.Flag) {
		if s.from[f.Name] != "" || slices.Contains(notSettings(), f.Name) || f.Name == "index" && len(args) > 0 {
			return
		}
		source, values := s.file, file[f.Name]
		if value := getenv(variable(f.Name)); value != "" {
			source, values = variable(f.Name), []string{value}
		}
		if len(values) == 0 {
			return
		}
		s.from[f.Name] = source
		if err := flags.Set(f.Name, strings.Join(values, ",")); err != nil {
			faults = append(faults, fmt.Errorf("%s: %s is %q: %w", source, f.Name, strings.Join(values, ","), errors.Unwrap(err)))
		}
	})
	return errors.Join(faults...)
}

// readSettings reads a file of settings. It returns the values of each setting by its name;
// a setting that is a list may have several.
func readSettings(path string) (map[string][]string, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file map[string]any
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s: wanted YAML with a setting a line: %w", path, err)
	}
	values := map[string][]string{}
	for name, value := range file {
		list, isList := value.([]any)
		if !isList {
			list = []any{value}
		}
		for _, element := range list {
			switch element.(type) {
			case string, bool, uint64, int64, float64:
				values[name] = append(values[name], fmt.Sprint(element))
			default:
				return nil, fmt.Errorf("%s: %s is %v, wanted a word, a number, true or false, or a list of these", path, name, element)
			}
		}
	}
	return values, nil
}

// write writes all settings as a file of settings, and where each comes from.
func (s *settings) write(w io.Writer, cmd *cobra.Command) error {
	var err error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if slices.Contains(notSettings(), f.Name) || err != nil {
			return
		}
		var value any = f.Value.String()
		if list, ok := f.Value.(pflag.SliceValue); ok {
			value = list.GetSlice()
		}
		var text []byte
		if text, err = yaml.MarshalWithOptions(value, yaml.Flow(true)); err == nil {
			from := s.from[f.Name]
			if from == "" {
				from = "default"
			}
			fmt.Fprintf(w, "%s: %s # %s\n", f.Name, strings.TrimSpace(string(text)), from)
		}
	})
	return err
}
