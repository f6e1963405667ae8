package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// State is what is declared of one service.
type State struct {
	// Settings are the service and its routes, without endpoints. They are immutable.
	Settings *v1.Service `json:"settings"`
	// Pin is the generation that the service is held to; 0: none.
	Pin uint64 `json:"pin,omitempty"`
	// By is who held it to that or let go of it; "" when nobody did.
	By string `json:"by,omitempty"`
}

// Generation is one change of what is declared, in the form in which it is printed
// as JSON. Its field names are part of the interface.
type Generation struct {
	Number  uint64    `json:"generation"` // from 1
	Time    time.Time `json:"time"`       // UTC
	Changes []Change  `json:"changes"`    // sorted by service
}

// Operation says what became of a service.
type Operation string

// The operations.
const (
	Added   Operation = "added"
	Changed Operation = "changed"
	Removed Operation = "removed"
)

// Change is what a generation changed of one service.
type Change struct {
	Service   string    `json:"service"`   // its key
	Operation Operation `json:"operation"` // what became of it
	// Fields are those that differ. None do where it was only held or let go of.
	Fields []v1.Difference `json:"fields,omitempty"`
	// Origin is who asked for the change: the container whose labels decide, or the place in
	// a manifest, with the commit and its author. Where several did, it is who decides the
	// service's settings.
	Origin v1.Origin `json:"origin,omitzero"`
	// RolledBackTo is the generation that it was held to; 0: none.
	RolledBackTo uint64 `json:"rolled_back_to,omitempty"`
	// Released is set where it follows what is declared again.
	Released bool `json:"released,omitempty"`
	// By is who did either of that.
	By string `json:"by,omitempty"`
}

// longest is how much of a field's text a generation shows, in bytes.
const longest = 1 << 10

// change returns what leads from before to after, nil standing for a service that is
// not there, and whether that is anything.
func change(name string, before, after *State) (Change, bool) {
	c := Change{Service: name, Operation: Changed}
	switch {
	case before == nil && after == nil:
		return c, false
	case before == nil:
		c.Operation, before = Added, &State{}
	case after == nil:
		c.Operation, after = Removed, &State{}
	case before.Pin == after.Pin && same(before.Settings, after.Settings):
		return c, false
	}
	c.Fields = v1.Differences(before.Settings, after.Settings)
	for i := range c.Fields {
		c.Fields[i].Before, c.Fields[i].After = cut(c.Fields[i].Before), cut(c.Fields[i].After)
	}
	c.Origin = before.origin()
	if after.Settings != nil {
		c.Origin = after.origin()
	}
	if c.Operation == Changed {
		c.Origin = askedBy(c.Fields, c.Origin)
	}
	switch {
	case after.Pin != 0 && after.Pin != before.Pin:
		c.RolledBackTo, c.By = after.Pin, after.By
	case before.Pin != 0 && after.Pin == 0 && after.Settings != nil:
		c.Released, c.By = true, after.By
	}
	return c, true
}

func (s *State) origin() v1.Origin {
	if s.Settings == nil {
		return v1.Origin{}
	}
	return s.Settings.Origin
}

// askedBy returns who asked for all the fields, else who decides the settings: a plugin of a
// manifest of its own is nothing that the service's containers did.
func askedBy(fields []v1.Difference, settings v1.Origin) v1.Origin {
	asked := v1.Origin{}
	for i, d := range fields {
		if d.Origin.IsZero() { // the service's own
			return settings
		}
		who := d.Origin
		who.Label = "" // the field names it
		if i > 0 && who != asked {
			return settings
		}
		asked = who
	}
	if asked.IsZero() {
		return settings
	}
	return asked
}

// same reports whether two declarations without secrets ask for the same, wherever.
func same(a, b *v1.Service) bool {
	one, errOne := json.Marshal(a.Unplaced())
	other, errOther := json.Marshal(b.Unplaced())
	return errOne == nil && errOther == nil && bytes.Equal(one, other)
}

// cut shortens what is only to be read.
func cut(text string) string {
	if len(text) <= longest {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes)", []byte(text)[:longest], len(text))
}
