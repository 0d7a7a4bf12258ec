package httpapi

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// media is a media type as far as its examples go.
type media struct {
	Example  any
	Examples yaml.MapSlice
}

// bodyExamples are the examples of a body of one media type.
type bodyExamples struct {
	Type     string
	Examples []exampleText
}

// exampleText is an example of a body: JSON, or the commands of a shell that send it.
type exampleText struct{ Name, Summary, Text string }

// Shown returns the examples of an operation's body, those of one media type in the order
// of the document.
func (o operation) Shown() (list []bodyExamples, err error) {
	for _, mediaType := range slices.Sorted(maps.Keys(o.RequestBody.Content)) {
		shown := bodyExamples{Type: mediaType}
		for _, item := range o.RequestBody.Content[mediaType].Examples {
			example, ok := item.Value.(yaml.MapSlice)
			if !ok {
				return nil, fmt.Errorf("the example %v is no object", item.Key)
			}
			e := exampleText{Name: fmt.Sprint(item.Key)}
			members := example.ToMap()
			e.Summary, _ = members["summary"].(string)
			if e.Text, err = o.textOf(e.Name, mediaType, members); err != nil {
				return nil, fmt.Errorf("the example %s of %s %s: %w", e.Name, o.Method, o.Path, err)
			}
			shown.Examples = append(shown.Examples, e)
		}
		if len(shown.Examples) > 0 {
			list = append(list, shown)
		}
	}
	return list, nil
}

// textOf returns what is shown of an example.
func (o operation) textOf(name, mediaType string, members map[any]any) (string, error) {
	address := "'HOST" + o.address(members["x-query"]) + "'"
	if uri, ok := members["externalValue"].(string); ok {
		given, raw, err := readDataURI(uri)
		if err != nil {
			return "", err
		}
		file := fileName(name, given)
		return fmt.Sprintf("%scurl -H 'Content-Type: %s' --data-binary @%s %s", writing(file, raw), given, file, address), nil
	}
	if mediaType != "multipart/form-data" {
		return jsonOf(members["value"])
	}
	fields, ok := members["value"].(yaml.MapSlice)
	if !ok {
		return "", fmt.Errorf("%v is no form", members["value"])
	}
	var files, command strings.Builder
	for _, f := range fields {
		for _, value := range listOf(f.Value) {
			text := fmt.Sprint(value)
			if strings.HasPrefix(text, "data:") {
				given, raw, err := readDataURI(text)
				if err != nil {
					return "", err
				}
				file := fileName(name, given)
				files.WriteString(writing(file, raw))
				text = "@" + file + ";type=" + given
			}
			fmt.Fprintf(&command, " -F '%v=%s'", f.Key, text)
		}
	}
	return files.String() + "curl" + command.String() + " " + address, nil
}

// address returns where an operation is, with the examples of what is in the path.
func (o operation) address(query any) string {
	path := o.Path
	for _, p := range o.Parameters {
		if p.In == "path" && p.Example != nil {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(fmt.Sprint(p.Example)))
		}
	}
	options, _ := query.(yaml.MapSlice)
	values := url.Values{}
	for _, option := range options {
		values.Set(fmt.Sprint(option.Key), fmt.Sprint(option.Value))
	}
	if len(values) > 0 {
		path += "?" + values.Encode()
	}
	return path
}

// listOf returns the values of a field of a form, which may come several times.
func listOf(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	return []any{value}
}

// readDataURI returns the media type and the bytes of a data URI in base64 (RFC 2397).
func readDataURI(uri string) (mediaType string, raw []byte, err error) {
	mediaType, text, ok := strings.Cut(strings.TrimPrefix(uri, "data:"), ";base64,")
	if !ok || !strings.HasPrefix(uri, "data:") {
		return "", nil, fmt.Errorf("%.40q is no data URI in base64", uri)
	}
	raw, err = base64.StdEncoding.DecodeString(text)
	return mediaType, raw, err
}

// fileName names the file of an example.
func fileName(name, mediaType string) string {
	switch mediaType {
	case "application/octet-stream":
		return name + ".bin"
	default: // image/png, application/x-npy
		_, kind, _ := strings.Cut(mediaType, "/")
		return name + "." + strings.TrimPrefix(kind, "x-")
	}
}

// writing returns the command that writes a file.
func writing(file string, raw []byte) string {
	return fmt.Sprintf("echo %s | base64 -d >%s\n", base64.StdEncoding.EncodeToString(raw), file)
}
