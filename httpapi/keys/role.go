package keys

import "fmt"

// Role is what the holder of a key may do. Each role may do what the ones before it may.
type Role string

// The roles.
const (
	Read  Role = "read"  // search, and see items and images
	Write Role = "write" // put and delete items
	Admin Role = "admin" // create and drop collections, and see how the server is
)

// roles returns all roles, the weakest first.
func roles() []Role { return []Role{Read, Write, Admin} }

// ParseRole reads a role.
func ParseRole(text string) (Role, error) {
	for _, role := range roles() {
		if string(role) == text {
			return role, nil
		}
	}
	return "", fmt.Errorf("the role of a key is %q, wanted read, write or admin", text)
}

// rank returns the place of a role among roles, -1 for none of them.
func (r Role) rank() int {
	for i, role := range roles() {
		if role == r {
			return i
		}
	}
	return -1
}

// Allows reports whether the role may do what another one may.
func (r Role) Allows(other Role) bool { return r.rank() >= other.rank() }
