package kong

import (
	"context"
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
	codePrimaryKey  = 3 // the id exists
	codeForeignKey  = 4 // the parent does not exist, or a child does
	codeUnique      = 5 // another entity holds the name
	codeUnsupported = 12
	codeReferenced  = 19 // others name it in a list: a CA certificate in ca_certificates
)

// refusal is an answer of Kong's that says no.
type refusal struct {
	Request string         `json:"-"` // "GET http://127.0.0.1:8001/services"
	Status  int            `json:"-"`
	Code    int            `json:"code"`
	Message string         `json:"message"`
	Fields  map[string]any `json:"fields"`
}

func parseRefusal(request string, status int, body []byte) *refusal {
	r := &refusal{}
	if err := json.Unmarshal(body, r); err != nil || r.Message == "" {
		r = &refusal{Message: http.StatusText(status)}
	}
	r.Request, r.Status = request, status
	return r
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s: kong answers %d: %s", r.Request, r.Status, r.words())
}

// words says which fields Kong refuses and why, or else Kong's own message.
func (r *refusal) words() string {
	if parts := flatten("", r.Fields); len(parts) > 0 && r.Code == 2 {
		return v1.OneLine(strings.Join(parts, "; "))
	}
	return v1.OneLine(r.Message)
}

// without takes secrets out of what Kong said.
func (r *refusal) without(secrets []string) {
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

// is reports whether an error is a refusal with one of the codes.
func is(err error, codes ...int) bool {
	var r *refusal
	return errors.As(err, &r) && slices.Contains(codes, r.Code)
}

// isStatus reports whether an error is a refusal with the status.
func isStatus(err error, status int) bool {
	var r *refusal
	return errors.As(err, &r) && r.Status == status
}

// unreachable is a request that got no usable answer, however often it was tried.
type unreachable struct {
	err   error // names the request
	tries int
	// answered says that Kong did answer, with 5xx or 429.
	answered bool
}

func (u *unreachable) Error() string {
	if u.tries > 1 {
		return fmt.Sprintf("%v (tried %d times)", u.err, u.tries)
	}
	return u.err.Error()
}

func (u *unreachable) Unwrap() error { return u.err }

// conflict is a name or place that somebody else holds.
type conflict struct{ message, fix string }

func (c *conflict) Error() string { return c.message + "; " + c.fix }

// moved says that Kong does not hold what it held when it was last read; the
// next round reads it again.
type moved struct{ err error }

func (m *moved) Error() string {
	return fmt.Sprintf("kong's entities changed while they were being written: %v", m.err)
}

func (m *moved) Unwrap() error { return m.err }

// problemOf sorts an error about one change.
func problemOf(err error) *v1.Problem {
	if err == nil {
		return nil
	}
	p := &v1.Problem{Gateway: v1.Kong, Reason: v1.GatewayUnreachable, Message: err.Error(), Fix: "it is tried again by itself"}
	var (
		known  v1.Problem
		held   *conflict
		said   *refusal
		moving *moved
	)
	switch {
	case errors.As(err, &known):
		p.Reason, p.Message, p.Fix = known.Reason, known.Message, known.Fix
	case errors.As(err, &moving):
	case errors.As(err, &held):
		p.Reason, p.Message, p.Fix = v1.Conflict, held.message, held.fix
	case errors.As(err, &said):
		if said.Status == http.StatusUnauthorized || said.Status == http.StatusForbidden {
			p.Fix = "let the Admin API accept Lockstep's requests: check the token and its permissions"
			break
		}
		p.Reason, p.Message, p.Fix = v1.GatewayRejected, "kong refuses it: "+said.words(), "correct the value that kong names"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		p.Message = "it was not tried: the round was ended before"
	}
	return p
}

// gatewayError is an error about Kong as a whole.
func gatewayError(reason v1.Reason, message, fix string) error {
	return v1.Problem{Reason: reason, Gateway: v1.Kong, Object: v1.Key{Kind: "gateway", Name: string(v1.Kong)}, Message: message, Fix: fix}
}

// explain makes an error about Kong as a whole from one of a request.
func explain(err error) error {
	var (
		known  v1.Problem
		none   *unreachable
		moving *moved
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &moving):
		return gatewayError(v1.GatewayUnreachable, err.Error(), "it is tried again by itself")
	case isStatus(err, http.StatusUnauthorized), isStatus(err, http.StatusForbidden):
		return gatewayError(v1.GatewayUnreachable, err.Error(), "let the Admin API accept Lockstep's requests: check the token and its permissions")
	case errors.As(err, &none) && !none.answered:
		return gatewayError(v1.GatewayUnreachable, err.Error(), "is Kong's Admin API reachable there? start Kong, or set --kong-admin-url")
	case errors.As(err, &none):
		return gatewayError(v1.GatewayUnreachable, err.Error(), "see Kong's error log; is its database up?")
	}
	return gatewayError(v1.GatewayUnreachable, err.Error(), "does --kong-admin-url name Kong's Admin API, not its proxy?")
}
