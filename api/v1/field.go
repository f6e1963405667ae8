package v1

import (
	"fmt"
	"slices"
	"time"
)

// Scope says what a field belongs to, and so where its label may stand.
type Scope string

// The scopes.
const (
	OfContainer Scope = "container" // lockstep.FIELD only
	OfService   Scope = "service"   // also lockstep.services.NAME.FIELD
	OfInstance  Scope = "instance"  // likewise
	OfRoute     Scope = "route"     // also lockstep.routes.NAME.FIELD, and within services.NAME
)

// Type says how a field's value is written.
type Type string

// The types.
const (
	Bool     Type = "yes or no"
	Int      Type = "number"
	Duration Type = "duration"
	Text     Type = "text"
	List     Type = "list"
	Map      Type = "map of lists" // FIELD.ENTRY=list, the entry kept letter for letter
	Shares   Type = "shares"       // FIELD.ENTRY=10%, in all at most 100%
)

// keyed reports whether a label says one entry of the field, whose name follows
// the field's.
func (t Type) keyed() bool { return t == Map || t == Shares }

// Value is a decoded value: the member that the field's Type names is set.
type Value struct {
	Bool     bool
	Int      int
	Duration time.Duration
	Text     string
	List     []string            // sorted, each once
	Map      map[string][]string // lists sorted, each item once
	Shares   map[string]int      // whole per cents, at most 100 in all
}

// Rendering is what a field becomes in one gateway. Its zero value says that
// the gateway can't express the field: what a row does not grant is not served.
type Rendering struct {
	// As says it in the gateway's own words; "" is NotExpressible.
	As string
	// Except says which values, or of which services, can't be expressed; "" when all can.
	Except  string
	except  func(item string) bool
	foreign func(s *Service) bool // of which services no value can be; for fields OfService alone
}

// expresses reports whether the gateway can express one item of the field's value.
func (r Rendering) expresses(item string) bool {
	return r.As != "" && (r.except == nil || !r.except(item))
}

// whole reports whether every value of the field can be expressed.
func (r Rendering) whole() bool { return r.As != "" && r.except == nil && r.foreign == nil }

// String returns what the reference page says.
func (r Rendering) String() string {
	switch {
	case r.As == "":
		return string(NotExpressible)
	case r.Except != "":
		return fmt.Sprintf("%s; %s is %s", r.As, r.Except, NotExpressible)
	}
	return r.As
}

// Charset is the set of characters that a field's items may hold. It never
// holds a control character, a space, a quote, "#" or anything beyond ASCII.
type Charset struct {
	Words string // in words: "letters, digits and -"
	holds func(c byte) bool
}

// Field is one row of the table: all that is known of a field, and the only
// place where it is known.
type Field struct {
	Name  string
	Scope Scope
	Type  Type
	// Min and Max bound an Int.
	Min, Max int
	// Longest bounds a Duration; 0 is 24h.
	Longest time.Duration
	// Step is what a Duration is a whole number of; 0 is 1ms.
	Step time.Duration
	// Unit of the value, "" when it has none.
	Unit string
	// Words are the only values that a Text or List may hold; nil when they are free.
	Words []string
	// Default holds where the field is not set.
	Default Value
	// Unset says what holds where there is no default value.
	Unset string
	// Chars bound what an item of a Text, List or Map may hold.
	Chars Charset
	// Match marks the fields by which a route takes requests; with none there is no route.
	Match bool
	// Protocols are those of a service with which the field means something; nil with all.
	Protocols []Protocol
	// Kong and HAProxy say what the field becomes there.
	Kong, HAProxy Rendering
	// Doc is one sentence for the reference page.
	Doc string
	// Example is a label's key, without the prefix, and value: "hosts=shop.example.com".
	Example string
	// Aliases are words that people try for it; they are never accepted, only understood.
	Aliases []string

	check func(item string) (string, *fault) // brings an item to its normal form, or says what is wrong
	entry func(name string) *fault           // the same for the name of an entry
	whole func(items []string) *fault        // says what is wrong with a List's items together; nil: nothing can be
	// needs says without which labels of the service the field is of no use
	// ("check=http"), "" when they are there; nil when there are none.
	needs func(s *Service) string
	// optional lets "?" follow the name of a field that every gateway of today
	// expresses: not every one to come will.
	optional bool
	set      func(t target, v Value) // puts the value in its place
	get      func(t target) Value    // reads it back; nil for OfContainer
}

// target is what a field's value is put into, and read from: what the field's Scope
// belongs to is set.
type target struct {
	enabled  *bool
	key      *string
	instance *DeclaredService
	service  *Service
	route    *Route
}

// Rendering returns what the field becomes in a gateway.
func (f *Field) Rendering(g Gateway) Rendering {
	switch g {
	case Kong:
		return f.Kong
	case HAProxy:
		return f.HAProxy
	}
	return Rendering{}
}

// MayBeOptional reports whether "?" may follow the field's name: only where
// some gateway can't express it, or may not in time.
func (f *Field) MayBeOptional() bool {
	return f.Scope != OfContainer && (f.optional || !f.Kong.whole() || !f.HAProxy.whole())
}

// isSet reports whether a value says more than the default.
func (f *Field) isSet(v Value) bool {
	switch f.Type {
	case Bool:
		return v.Bool != f.Default.Bool
	case Int:
		return v.Int != f.Default.Int
	case Duration:
		return v.Duration != f.Default.Duration
	case Text:
		return v.Text != f.Default.Text
	case List:
		return len(v.List) > 0
	case Map:
		return len(v.Map) > 0
	case Shares:
		return len(v.Shares) > 0
	}
	return false
}

// Fields returns the table, in the order of the reference page.
func Fields() []Field { return slices.Clone(rows) }

// IsField reports whether the table has a field by that name, in whatever spelling.
func IsField(name string) bool {
	_, is := fieldTable.byName[fold(name)]
	return is
}
