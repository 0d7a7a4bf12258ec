package keys

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A key works until it is revoked, in a server that is running; the file never has it.
func TestKeysFollowTheirFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	if _, err := Open(path); err == nil {
		t.Error("a file that is not there is opened")
	}
	first, err := Create(path, "first", Admin)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Create(path, "second", Write)
	if err != nil {
		t.Fatal(err)
	}
	if first == second || len(second) < len(prefix)+26 {
		t.Errorf("keys are %q and %q, wanted 26 random digits each", first, second)
	}
	for secret, want := range map[string]Role{first: Admin, second: Write} {
		if key, err := f.Find(secret); err != nil || key.Role != want {
			t.Errorf("found %+v, %v, wanted role %s", key, err, want)
		}
	}
	if _, err := Create(path, "second", Read); err == nil {
		t.Error("a name is given twice")
	}
	if err := Revoke(path, "first"); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{first, "", second[:len(second)-1], second + "A", strings.ToLower(second)} {
		if key, err := f.Find(secret); !errors.Is(err, ErrUnknown) {
			t.Errorf("%q finds %+v, %v", secret, key, err)
		}
	}
	if err := Revoke(path, "first"); !errors.Is(err, ErrUnknown) {
		t.Errorf("revoked twice: %v", err)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), strings.TrimPrefix(second, prefix)) {
		t.Errorf("the file has the key itself: %s, %v", text, err)
	}
}

// A damaged file lets nobody in.
func TestDamagedKeysLetNobodyIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	secret, err := Create(path, "a", Read)
	if err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`{"keys":[`, `{"keys":[{"name":"a","role":"root","sha256":""}]}`, `{"keys":[{"name":"a","role":"read","sha256":"00"}]}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Find(secret); err == nil || errors.Is(err, ErrUnknown) {
			t.Errorf("%s: error %v, wanted one of the file", text, err)
		}
	}
	if err := os.WriteFile(path, []byte(`{"keys":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "engram key create") {
		t.Errorf("a file without keys: %v", err)
	}
}

func TestRoles(t *testing.T) {
	for _, c := range []struct {
		role, other Role
		want        bool
	}{{Read, Read, true}, {Read, Write, false}, {Write, Read, true}, {Write, Admin, false}, {Admin, Write, true}, {"", Read, false}} {
		if got := c.role.Allows(c.other); got != c.want {
			t.Errorf("%q allows %q: %v, wanted %v", c.role, c.other, got, c.want)
		}
	}
	if _, err := ParseRole("root"); err == nil {
		t.Error("root is a role")
	}
}
