package kong

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// The bounds of one Apply without a database: how often the rest is pushed
// after offenders were taken out, and how many refused payloads are remembered.
const (
	maxPushes  = 5
	maxRefused = 64
)

// loadNode reads what a node without a database holds. When its hash is the one
// that we left there, nothing is read.
func (r *Reconciler) loadNode(ctx context.Context) error {
	hash, err := r.nodeHash(ctx)
	if err != nil {
		return err
	}
	if expected, _ := r.health.expected(); !r.stale && r.held != nil && hash == expected {
		r.mark.read = time.Now()
		return nil
	}
	r.stranger = ""
	lists := map[v1.Kind][]map[string]any{}
	if strings.Trim(hash, "0") != "" { // all zeros: the node is empty
		if lists, err = r.lists(ctx, nil); err != nil {
			return err
		}
		if r.stranger, err = r.strangers(ctx, lists); err != nil {
			return err
		}
	}
	if err := r.take(ctx, lists); err != nil {
		return err
	}
	if r.stranger == "" {
		for service, addresses := range r.guests {
			r.stranger = fmt.Sprintf("target %s of %s", addresses[0], service)
		}
	}
	r.health.holds(hash)
	return nil
}

// nodeHash asks a node for the hash of what it holds; zeros for nothing.
func (r *Reconciler) nodeHash(ctx context.Context) (string, error) {
	a, err := r.client.do(ctx, request{method: http.MethodGet, path: "/status"})
	if err != nil {
		return "", err
	}
	hash, _, err := configurationHash(a)
	if err == nil && hash == "" {
		err = gatewayError(v1.GatewayUnreachable, "kong says that it has no database, but tells no configuration_hash", "use Kong 3.4 or newer")
	}
	return hash, err
}

// sameNode makes sure that the node still holds what it held.
func (r *Reconciler) sameNode(ctx context.Context) error {
	hash, err := r.nodeHash(ctx)
	if err != nil {
		return err
	}
	if expected, _ := r.health.expected(); hash != expected {
		r.stale = true
		return &moved{errors.New("another configuration was loaded, or the node was restarted")}
	}
	r.mark.read = time.Now()
	return nil
}

// strangers names one thing that the node holds and that is not ours; a push
// would remove it. "" when there is none.
func (r *Reconciler) strangers(ctx context.Context, lists map[v1.Kind][]map[string]any) (string, error) {
	for _, row := range r.rows {
		for _, body := range lists[row.kind] {
			if !r.ours(body) {
				return fmt.Sprintf("%s %v", row.kind, body[row.unique]), nil
			}
		}
	}
	for _, path := range wiped() {
		a, err := r.client.do(ctx, request{method: http.MethodGet, path: "/" + path, query: url.Values{"size": {"1"}}})
		if isStatus(err, http.StatusNotFound) {
			continue // this edition has no such thing
		}
		if err != nil {
			return "", err
		}
		page, err := decodeBody(a.body)
		if err != nil {
			return "", fmt.Errorf("read kong's list of %s: %w", path, err)
		}
		if data, ok := page["data"].([]any); ok && len(data) > 0 {
			return "some " + path, nil
		}
	}
	return "", nil
}

// push makes the changes by one new configuration. Objects that Kong refuses
// stay as they were, or out, with what depends on them; the rest goes through.
func (r *Reconciler) push(ctx context.Context, p plan.Plan) ([]plan.Outcome, error) {
	if r.stranger != "" {
		return r.untried(p, gatewayError(v1.Conflict,
			fmt.Sprintf("the Kong at %s has no database and holds what is neither empty nor Lockstep's: %s; a push would remove it", r.client.where(), r.stranger),
			"empty the node (restart it without a declarative_config), or give Lockstep a Kong of its own"))
	}
	current := plan.State{}
	for _, objects := range r.held {
		maps.Copy(current, objects)
	}
	d := draft{current: current, want: plan.Apply(current, p.Changes), problems: map[v1.Key]*v1.Problem{}}
	for range maxPushes {
		d.complete(r.rows)
		if maps.Equal(d.want, current) {
			return d.outcomes(p, nil), nil // everything that was new is refused
		}
		why, err := r.send(ctx, d.want)
		if err != nil {
			r.stale = true
			return r.untried(p, err)
		}
		if why == nil {
			r.settle(ctx, d.want)
			return d.outcomes(p, nil), nil
		}
		if len(why.offenders) == 0 {
			return d.outcomes(p, rejected(why.message)), nil
		}
		for key, message := range why.offenders {
			d.takeBack(key, rejected(message))
		}
	}
	return d.outcomes(p, rejected("kong names other objects each time the refused ones are taken out")), nil
}

func rejected(message string) *v1.Problem {
	return &v1.Problem{Reason: v1.GatewayRejected, Gateway: v1.Kong, Message: "kong refuses it: " + message, Fix: "correct the value that kong names"}
}

// send pushes a configuration. What Kong refused once is not sent again.
func (r *Reconciler) send(ctx context.Context, state plan.State) (*refused, error) {
	text, err := declaration(r.rows, state)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(text))
	digest := hex.EncodeToString(sum[:])
	if why, known := r.refused[digest]; known {
		return &why, nil
	}
	r.health.pushing()
	a, err := r.client.push(ctx, text, r.options.PushTimeout)
	var said *refusal
	switch {
	case errors.As(err, &said) && said.Status == http.StatusBadRequest:
		why := blame(said, a.body, state)
		if len(r.refused) >= maxRefused {
			clear(r.refused)
		}
		r.refused[digest] = why
		hash, err := r.nodeHash(ctx)
		if err != nil {
			return nil, err
		}
		r.health.holds(hash)
		return &why, nil
	case err != nil:
		return nil, err
	}
	return nil, nil
}

// settle remembers what the node holds now.
func (r *Reconciler) settle(ctx context.Context, state plan.State) {
	r.held = map[string]plan.State{}
	for key, o := range state {
		if rec, ok := o.Native.(*record); ok {
			r.keep(key, o.Service, r.object(rec))
		}
	}
	r.mark = mark{writer: r.options.Writer, read: time.Now(), mine: true}
	hash, err := r.nodeHash(ctx)
	if err != nil {
		r.stale = true // it is read again with the next round
		return
	}
	r.health.holds(hash)
}

// draft is the state that is to be pushed, less what had to be taken back.
type draft struct {
	current, want plan.State
	problems      map[v1.Key]*v1.Problem
}

// takeBack puts an object to what the node holds of it, or leaves it out when
// that is what Kong refuses.
func (d *draft) takeBack(key v1.Key, problem *v1.Problem) {
	before, known := d.current[key]
	if known && before != d.want[key] {
		d.want[key] = before
	} else {
		delete(d.want, key)
	}
	d.problems[key] = problem
}

// complete takes back what refers to something that is not there: Kong refuses
// such a configuration without saying why.
func (d *draft) complete(rows []*row) {
	for _, row := range rows { // parents first
		for _, rec := range recordsOf(d.want, row) {
			key := v1.Key{Kind: row.kind, Name: rec.key}
			for range 2 { // the older version may lack its parent as well
				missing, ok := d.missing(key)
				if !ok {
					break
				}
				problem := &v1.Problem{
					Reason: v1.GatewayRejected, Gateway: v1.Kong,
					Message: fmt.Sprintf("it waits for %s, which is not there", missing), Fix: "see what is said about " + missing.String(),
				}
				if cause := d.problems[missing]; cause != nil {
					problem.Message, problem.Fix = fmt.Sprintf("it waits for %s, which could not be made: %s", missing, cause.Message), cause.Fix
				}
				d.takeBack(key, problem)
			}
		}
	}
}

// missing returns a parent that an object of the draft lacks.
func (d *draft) missing(key v1.Key) (v1.Key, bool) {
	o, ok := d.want[key]
	if !ok {
		return v1.Key{}, false
	}
	rec, ok := o.Native.(*record)
	if !ok {
		return v1.Key{}, false
	}
	parents := rec.parentKeys()
	slices.SortFunc(parents, v1.Key.Compare)
	for _, parent := range parents {
		if _, there := d.want[parent]; !there {
			return parent, true
		}
	}
	return v1.Key{}, false
}

// outcomes tells what became of each change; rest is for those that nothing
// else is known of.
func (d *draft) outcomes(p plan.Plan, rest *v1.Problem) []plan.Outcome {
	out := make([]plan.Outcome, len(p.Changes))
	for i, change := range p.Changes {
		out[i] = plan.Outcome{Change: change, Problem: d.problems[change.Key]}
		if out[i].Problem == nil {
			out[i].Problem = rest
		}
	}
	return out
}
