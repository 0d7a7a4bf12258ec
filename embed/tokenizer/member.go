package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"engram/embed/internal/jsonkind"
)

// object is one object of a JSON file. Its members are taken by name; what is
// asked for in the wrong type, and what is left over, is an error that names the
// member. A member that is null is absent.
type object struct {
	path    string // where it is in the file, "model" for instance
	members map[string]json.RawMessage
	errs    *[]error // of the whole file, the first one first
}

// readObject reads a JSON object.
func readObject(path string, text []byte, errs *[]error) object {
	o := object{path: path, errs: errs}
	if err := json.Unmarshal(text, &o.members); err != nil {
		o.fail("", "is not an object: %v", jsonkind.Explain(err))
	}
	for name, value := range o.members {
		if string(value) == "null" {
			delete(o.members, name)
		}
	}
	return o
}

// fail notes an error of a member, or of the object itself.
func (o object) fail(member, format string, args ...any) {
	*o.errs = append(*o.errs, fmt.Errorf("%s "+format, append([]any{o.name(member)}, args...)...))
}

func (o object) name(member string) string {
	return strings.Trim(o.path+"."+member, ".")
}

// take decodes a member, if it is there, and removes it from what is left.
func (o object) take(member string, into any) bool {
	raw, ok := o.members[member]
	if !ok {
		return false
	}
	delete(o.members, member)
	if err := json.Unmarshal(raw, into); err != nil {
		o.fail(member, "is %s: %v", short(raw), jsonkind.Explain(err))
		return false
	}
	return true
}

// need decodes a member that must be there.
func (o object) need(member string, into any) {
	if _, ok := o.members[member]; !ok {
		o.fail(member, "is missing")
		return
	}
	o.take(member, into)
}

// flag takes a boolean, which is fallback where it is absent.
func (o object) flag(member string, fallback bool) bool {
	o.take(member, &fallback)
	return fallback
}

// text takes a string, which is empty where it is absent.
func (o object) text(member string) string {
	var s string
	o.take(member, &s)
	return s
}

// child takes a member that is an object.
func (o object) child(member string) (object, bool) {
	raw, ok := o.members[member]
	delete(o.members, member)
	if !ok {
		return object{}, false
	}
	return readObject(o.name(member), raw, o.errs), true
}

// children takes a member that is a list of objects.
func (o object) children(member string) []object {
	var list []json.RawMessage
	o.need(member, &list)
	children := make([]object, len(list))
	for i, raw := range list {
		children[i] = readObject(fmt.Sprintf("%s[%d]", o.name(member), i), raw, o.errs)
	}
	return children
}

// ignore removes members that do not change the ids.
func (o object) ignore(members ...string) {
	for _, m := range members {
		delete(o.members, m)
	}
}

// done refuses what is left.
func (o object) done() {
	var left []string
	for name := range o.members {
		left = append(left, name)
	}
	slices.Sort(left)
	for _, name := range left {
		o.fail(name, "is %s, which is not known", short(o.members[name]))
	}
}

// short returns the beginning of a JSON value, for a message.
func short(raw []byte) string {
	raw = bytes.Join(bytes.Fields(raw), []byte(" "))
	if len(raw) > 60 {
		return strings.ToValidUTF8(string(raw[:60]), "") + "…"
	}
	return string(raw)
}
