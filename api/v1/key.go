package v1

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// Kind says what sort of object a Key names. The kinds of this package are
// neutral; a reconciler adds its gateway's own (plan.Object.Key).
type Kind string

// The neutral kinds.
const (
	KindService  Kind = "service"
	KindRoute    Kind = "route"
	KindInstance Kind = "instance"

	// These belong to no service.
	KindCertificate Kind = "certificate"
	KindSection     Kind = "section"
	KindListener    Kind = "listener"
	KindPolicy      Kind = "policy"
	KindConfig      Kind = "config"

	// KindGateway is a gateway as a whole.
	KindGateway Kind = "gateway"
)

// Key names one object. Keys of a kind are unique within one owner.
type Key struct {
	Kind Kind   `json:"kind"` // of the object
	Name string `json:"name"` // unique within its kind
}

// String returns "kind/name".
func (k Key) String() string { return string(k.Kind) + "/" + k.Name }

// UUID returns the id that an entity made of the object has in Kong: the same on
// every Kong, and nobody else's by accident. Its order decides between routes
// that are equal otherwise, so that a gateway that decides alike needs it too.
func (k Key) UUID(owner, workspace string) string {
	if workspace == "" {
		workspace = "default"
	}
	name := strings.Join([]string{"https://lockstep.dev/kong", owner, workspace, string(k.Kind), k.Name}, "\x00")
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String()
}

// Compare orders keys by kind, then name.
func (k Key) Compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Kind, o.Kind), cmp.Compare(k.Name, o.Name))
}

// Gateway names one of the products that Lockstep keeps equal to the containers.
type Gateway string

// The gateways.
const (
	Kong    Gateway = "kong"
	HAProxy Gateway = "haproxy"
)

// Origin is the place where a thing was asked for: a label of a container, or
// a line of a file. It stays on our side and is never written to a gateway.
type Origin struct {
	Container string `json:"container,omitempty"` // the container's name, without the slash
	Label     string `json:"label,omitempty"`     // the whole label key as written
	File      string `json:"file,omitempty"`      // the path of a manifest
	Line      int    `json:"line,omitempty"`      // from 1
	Column    int    `json:"column,omitempty"`    // from 1
	Commit    string `json:"commit,omitempty"`    // of the repository that the file is from
	Author    string `json:"author,omitempty"`    // of the commit, as it says itself; not part of the place
}

// shownCommit is how much of a commit's id people read.
const shownCommit = 12

// IsZero reports whether the origin names no place at all.
func (o Origin) IsZero() bool { return o == Origin{} }

// String returns the place as a person would say it. Every part is quoted
// where a stranger wrote it, so that it can be printed on a terminal.
func (o Origin) String() string {
	var parts []string
	switch {
	case o.File != "" && o.Line == 0: // the file as a whole
		parts = append(parts, o.File)
	case o.File != "":
		parts = append(parts, fmt.Sprintf("%s:%d:%d", o.File, o.Line, o.Column))
	}
	if o.Container != "" {
		parts = append(parts, fmt.Sprintf("container %q", o.Container))
	}
	if o.Label != "" {
		parts = append(parts, fmt.Sprintf("label %q", o.Label))
	}
	if o.Commit != "" {
		parts = append(parts, "commit "+o.Commit[:min(shownCommit, len(o.Commit))])
	}
	return strings.Join(parts, ", ")
}
