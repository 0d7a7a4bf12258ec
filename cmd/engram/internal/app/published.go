package app

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"engram/embed/hub/catalogue"
)

// hubPrefix is before the name of a repository of the hub.
const hubPrefix = "hf:"

// published says which published model is meant, and how it is installed.
type published struct {
	name      string // by which it is installed
	image     catalogue.Repository
	text      *catalogue.Repository // has the text graph, where image has not
	precision catalogue.Precision
	entry     *catalogue.Entry // nil: not in the catalogue
}

// hubID is the name of a repository, and commitID a commit in full.
var (
	hubID    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9._-]+$`)
	commitID = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// isHub reports whether a name is the name of a repository of the hub.
func isHub(name string) bool { return strings.HasPrefix(name, hubPrefix) }

// parseHub returns the repository of "hf:owner/name" or "hf:owner/name@revision". The
// revision is in Commit, "" where none is given.
func parseHub(name string) (catalogue.Repository, error) {
	id, revision, has := strings.Cut(strings.TrimPrefix(name, hubPrefix), "@")
	if !isHub(name) || !hubID.MatchString(id) || has && revision == "" {
		return catalogue.Repository{}, fmt.Errorf("%q is no repository of the hub, wanted hf:owner/name or hf:owner/name@revision", name)
	}
	return catalogue.Repository{ID: id, Commit: revision}, nil
}

// parsePublished returns the model of a catalogue name, which may end in a precision,
// or of a repository.
func parsePublished(spec GetSpec) (*published, error) {
	p := &published{precision: cmp.Or(spec.Precision, catalogue.FP32)}
	if isHub(spec.Name) {
		image, err := parseHub(spec.Name)
		if err != nil {
			return nil, err
		}
		if entry, ok := catalogue.OfRepository(image.ID); ok {
			image.ID = entry.Repository.ID // the hub tells no upper from lower case
		}
		p.image, p.name = image, strings.ToLower(path.Base(image.ID))
		if image.Commit != "" {
			p.name += "-" + strings.Trim(notInNames.ReplaceAllString(image.Commit, "-"), "-")
		}
	} else {
		short, precision := catalogue.Split(spec.Name)
		entry, ok := catalogue.Find(short)
		if !ok {
			return nil, errNotPublished
		}
		if spec.Precision == "" {
			p.precision = precision
		}
		p.entry, p.name, p.image, p.text = &entry, short, entry.Repository, entry.Text
	}
	if spec.Text != "" {
		text, err := parseHub(spec.Text)
		if err != nil {
			return nil, err
		}
		p.text = &text
	}
	if err := p.checkPrecision(); err != nil {
		return nil, err
	}
	p.name = cmp.Or(spec.As, catalogue.Join(p.name, p.precision))
	return p, p.checkName()
}

// errNotPublished says that a name is not in the catalogue.
var errNotPublished = fmt.Errorf("not in the catalogue")

// notInNames are the characters of a revision that a name cannot have.
var notInNames = regexp.MustCompile(`[^A-Za-z0-9._]+`)

// precisions are what a model can be published in.
var precisions = []catalogue.Precision{catalogue.FP32, catalogue.FP16, catalogue.INT8}

// checkPrecision refuses a precision that is none, or that the model is not published in.
func (p *published) checkPrecision() error {
	if !slices.Contains(precisions, p.precision) {
		return fmt.Errorf("the precision is %q, wanted one of %s", p.precision, join(precisions))
	}
	if p.entry == nil || p.entry.Download[p.precision] > 0 {
		return nil
	}
	var has []catalogue.Precision
	for _, precision := range precisions {
		if p.entry.Download[precision] > 0 {
			has = append(has, precision)
		}
	}
	return fmt.Errorf("%s is not published in %s, only in %s", p.entry.Name, p.precision, join(has))
}

// join lists precisions.
func join(all []catalogue.Precision) string {
	text := make([]string, len(all))
	for i, p := range all {
		text[i] = string(p)
	}
	return strings.Join(text, ", ")
}

// checkName refuses to install a model under the catalogue name of another one.
func (p *published) checkName() error {
	if err := checkName(p.name); err != nil {
		return err
	}
	short, precision := catalogue.Split(p.name)
	entry, ok := catalogue.Find(short)
	if !ok || p.entry != nil && entry.Name == p.entry.Name && precision == p.precision {
		return nil
	}
	return fmt.Errorf("the name %s is in the catalogue for another model (%s), choose another one with --as", p.name, entry.Repository.ID)
}

// String names the model for messages.
func (p *published) String() string {
	if p.entry != nil {
		return catalogue.Join(p.entry.Name, p.precision)
	}
	text := hubPrefix + p.image.ID
	if p.image.Commit != "" {
		text += "@" + p.image.Commit
	}
	if p.precision != catalogue.FP32 {
		text += " in " + string(p.precision)
	}
	return text
}
