package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// node is a mapping of the specification.
type node = map[string]any

// parseSpec reads the specification once for all tests; none changes it.
var parseSpec = sync.OnceValues(func() (spec node, err error) {
	raw, err := files.ReadFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	err = yaml.Unmarshal(raw, &spec)
	return spec, err
})

func readSpec(t testing.TB) node {
	t.Helper()
	spec, err := parseSpec()
	if err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	return spec
}

// child walks down mappings; it returns nil where the way ends.
func child(n node, keys ...string) node {
	for _, key := range keys {
		n, _ = n[key].(node)
	}
	return n
}

// resolve follows $ref to another place of the specification.
func resolve(spec, n node) node {
	ref, ok := n["$ref"].(string)
	if !ok {
		return n
	}
	return child(spec, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
}

// ginPath turns /v1/items/{id} into /v1/items/:id.
func ginPath(specPath string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(specPath)
}

func TestSpecificationAndRoutesAreTheSame(t *testing.T) {
	var specified, served []string
	for p, operations := range child(readSpec(t), "paths") {
		for method := range operations.(node) {
			specified = append(specified, strings.ToUpper(method)+" "+ginPath(p))
		}
	}
	for _, r := range newServer(t, fakeOptions(t)).router().Routes() {
		served = append(served, r.Method+" "+r.Path)
	}
	slices.Sort(specified)
	slices.Sort(served)
	if diff := cmp.Diff(served, specified); diff != "" {
		t.Errorf("routes (-) and openapi.yaml (+) differ:\n%s", diff)
	}
}

func TestSpecificationListsEveryProblem(t *testing.T) {
	var specified, served []string
	for _, v := range child(readSpec(t), "components", "schemas", "Problem", "properties", "type")["enum"].([]any) {
		specified = append(specified, v.(string))
	}
	for _, kind := range append(slices.Clone(problemTable), internalProblem) {
		served = append(served, "urn:engram:problem:"+kind.slug)
	}
	slices.Sort(specified)
	slices.Sort(served)
	if diff := cmp.Diff(slices.Compact(served), specified); diff != "" {
		t.Errorf("problem table (-) and openapi.yaml (+) differ:\n%s", diff)
	}
}

func TestEveryReferenceOfTheSpecificationLeadsSomewhere(t *testing.T) {
	spec := readSpec(t)
	found := 0
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, element := range v {
				walk(element)
			}
		case node:
			if ref, ok := v["$ref"]; ok {
				found++
				if resolve(spec, v) == nil {
					t.Errorf("%v leads nowhere", ref)
				}
			}
			for _, element := range v {
				walk(element)
			}
		}
	}
	walk(spec)
	if found < 10 {
		t.Errorf("found %d references; the walk is broken", found)
	}
}

// checkAnswer holds an answer to the specification: the status is listed or
// covered by the default, and JSON fits its schema.
func checkAnswer(t *testing.T, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	spec := readSpec(t)
	problem := resolve(spec, node{"$ref": "#/components/responses/Problem"})
	answer := problem
	for p, operations := range child(spec, "paths") {
		pattern := ginPath(p)
		for strings.Contains(pattern, ":") {
			before, after, _ := strings.Cut(pattern, ":")
			_, rest, more := strings.Cut(after, "/")
			pattern = before + "*"
			if more {
				pattern += "/" + rest
			}
		}
		operation := child(operations.(node), strings.ToLower(r.Method))
		if ok, _ := path.Match(pattern, r.URL.Path); !ok || operation == nil {
			continue
		}
		if listed := child(operation, "responses", strconv.Itoa(w.Code)); listed != nil {
			answer = listed
		}
	}
	mediaType, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
	if w.Code >= 400 && w.Code != http.StatusRequestedRangeNotSatisfiable && mediaType != "application/problem+json" {
		t.Errorf("%s %s: %d came as %q, want a problem", r.Method, r.URL.Path, w.Code, mediaType)
	}
	if mediaType != "application/json" && mediaType != "application/problem+json" {
		return
	}
	schema := child(answer, "content", mediaType, "schema")
	if schema == nil {
		t.Errorf("%s %s: openapi.yaml has no %s for status %d", r.Method, r.URL.Path, mediaType, w.Code)
		return
	}
	var body any
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Errorf("%s %s: %v: %s", r.Method, r.URL.Path, err, w.Body)
		return
	}
	for _, fault := range faults(spec, schema, body, "answer") {
		t.Errorf("%s %s: %s", r.Method, r.URL.Path, fault)
	}
}

// faults compares a value with a schema: type, required and additional
// properties, enum, and the elements below. It knows what openapi.yaml uses
// for answers, and no more.
func faults(spec, schema node, value any, at string) []string {
	schema = resolve(spec, schema)
	var found []string
	if want, ok := schema["enum"].([]any); ok && !slices.Contains(want, value) {
		found = append(found, fmt.Sprintf("%s is %v, want one of %v", at, value, want))
	}
	if !hasType(schema["type"], value) {
		return append(found, fmt.Sprintf("%s is %T, want %v", at, value, schema["type"]))
	}
	switch value := value.(type) {
	case []any:
		for i, element := range value {
			found = append(found, faults(spec, child(schema, "items"), element, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case node:
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if _, ok := value[name.(string)]; !ok {
				found = append(found, fmt.Sprintf("%s lacks %v", at, name))
			}
		}
		for name, element := range value {
			property := child(schema, "properties", name)
			if property != nil {
				found = append(found, faults(spec, property, element, at+"."+name)...)
			} else if schema["additionalProperties"] == false {
				found = append(found, fmt.Sprintf("%s has %s, which is not specified", at, name))
			}
		}
	}
	return found
}

// hasType tells whether a JSON value is of a schema's type, a word or a list.
func hasType(want, value any) bool {
	if list, ok := want.([]any); ok {
		return slices.ContainsFunc(list, func(one any) bool { return hasType(one, value) })
	}
	switch value := value.(type) {
	case nil:
		return want == "null"
	case bool:
		return want == "boolean"
	case string:
		return want == "string"
	case float64:
		return want == "number" || want == "integer" && value == float64(int64(value))
	case []any:
		return want == "array"
	case node:
		return want == "object"
	}
	return false
}

func TestTheSchemaCheckFindsFaults(t *testing.T) {
	spec := readSpec(t)
	schema := node{"$ref": "#/components/schemas/Item"}
	good := node{"id": "1", "payload": node{}}
	if got := faults(spec, schema, good, "item"); len(got) != 0 {
		t.Errorf("faults of a good item: %v", got)
	}
	for name, bad := range map[string]any{
		"missing":    node{"id": "1"},
		"additional": node{"id": "1", "payload": node{}, "x": 1.0},
		"wrong type": node{"id": 1.0, "payload": node{}},
		"no object":  []any{},
	} {
		if got := faults(spec, schema, bad, "item"); len(got) != 1 {
			t.Errorf("%s: faults are %v, want one", name, got)
		}
	}
}
