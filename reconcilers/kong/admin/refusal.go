package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
)

// Kong's codes for what it refuses.
const (
	CodePrimaryKey  = 3 // the id exists
	CodeForeignKey  = 4 // the parent does not exist, or a child does
	CodeUnique      = 5 // another entity holds the name
	CodeUnsupported = 12
	CodeReferenced  = 19 // others name it in a list: a CA certificate in ca_certificates
)

// Refusal is an answer of Kong's that says no.
type Refusal struct {
	Request string         `json:"-"`       // "GET http://127.0.0.1:8001/services"
	Status  int            `json:"-"`       // of HTTP
	Code    int            `json:"code"`    // Kong's own; 0 for none
	Message string         `json:"message"` // in Kong's words
	Fields  map[string]any `json:"fields"`  // what is wrong with each
}

func parseRefusal(request string, status int, body []byte) *Refusal {
	r := &Refusal{}
	if err := json.Unmarshal(body, r); err != nil || r.Message == "" {
		r = &Refusal{Message: http.StatusText(status)}
	}
	r.Request, r.Status = request, status
	return r
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%s: kong answers %d: %s", r.Request, r.Status, r.Words())
}

// Words says which fields Kong refuses and why, or else Kong's own message: one line,
// however long and whatever Kong's answer is.
func (r *Refusal) Words() string {
	if parts := flatten("", r.Fields); len(parts) > 0 && r.Code == 2 {
		return v1.OneLine(strings.Join(parts, "; "))
	}
	return v1.OneLine(r.Message)
}

// Without takes secrets out of what Kong said.
func (r *Refusal) Without(secrets []string) {
	r.Message = secret.Without(secrets, r.Message)
	r.Fields, _ = scrubbed(secrets, r.Fields).(map[string]any)
}

func scrubbed(secrets []string, value any) any {
	switch v := value.(type) {
	case string:
		return secret.Without(secrets, v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, element := range v {
			out[secret.Without(secrets, name)] = scrubbed(secrets, element)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = scrubbed(secrets, element)
		}
		return out
	}
	return value
}

// flatten turns Kong's nested fields to "paths: should start with /".
func flatten(prefix string, value any) []string {
	switch v := value.(type) {
	case nil:
		return nil
	case map[string]any:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			inner := name
			switch {
			case name == "@entity":
				inner = prefix
			case prefix != "":
				inner = prefix + "." + name
			}
			parts = append(parts, flatten(inner, v[name])...)
		}
		return parts
	case []any:
		var parts []string
		for _, element := range v {
			parts = append(parts, flatten(prefix, element)...)
		}
		return parts
	}
	if prefix == "" {
		return []string{fmt.Sprint(value)}
	}
	return []string{fmt.Sprintf("%s: %v", prefix, value)}
}

// IsCode reports whether an error is a refusal with one of the codes.
func IsCode(err error, codes ...int) bool {
	var r *Refusal
	return errors.As(err, &r) && slices.Contains(codes, r.Code)
}

// IsStatus reports whether an error is a refusal with the status.
func IsStatus(err error, status int) bool {
	var r *Refusal
	return errors.As(err, &r) && r.Status == status
}

// Unreachable is a request that got no usable answer, however often it was tried.
type Unreachable struct {
	err   error // names the request
	tries int
	// Answered says that Kong did answer, with 5xx or 429.
	Answered bool
}

func (u *Unreachable) Error() string {
	if u.tries > 1 {
		return fmt.Sprintf("%v (tried %d times)", u.err, u.tries)
	}
	return u.err.Error()
}

// failed reports whether Kong answered that something went wrong in it, rather than that
// it is asked too often.
func (u *Unreachable) failed() bool {
	refusal, is := errors.AsType[*Refusal](u.err)
	return is && refusal.Status >= 500
}

func (u *Unreachable) Unwrap() error { return u.err }

// Problem is an error about Kong as a whole, with its remedy: a v1.Problem.
func Problem(reason v1.Reason, message, fix string) error {
	return v1.Problem{Reason: reason, Gateway: v1.Kong, Object: v1.Key{Kind: v1.KindGateway, Name: string(v1.Kong)}, Message: message, Fix: fix}
}
