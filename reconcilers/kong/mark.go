package kong

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/admin"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// mark is what is known of the writer's mark: a tag of the reserved upstream
// that names the one daemon that writes for the owner.
type mark struct {
	writer string    // "" when nobody is named
	read   time.Time // when Kong was last asked
	mine   bool      // it named us once; whoever replaced it then is not taken over again
}

func markKey() v1.Key { return v1.Key{Kind: v1.KindUpstream, Name: entity.Reserved} }

// claim makes sure that nobody else writes for the owner. The mark itself is
// written by the plan that creates or changes it, before everything else.
func (r *Reconciler) claim(ctx context.Context, p plan.Plan) error {
	if since(r.mark.read) > r.options.MarkAge {
		again := r.readMark
		if r.facts.dbless() {
			again = r.sameNode
		}
		if err := again(ctx); err != nil {
			return err
		}
	}
	writes := slices.ContainsFunc(p.Changes, func(c plan.Change) bool { return c.Key == markKey() })
	switch {
	case r.mark.writer == r.options.Writer:
		r.mark.mine = true
		return nil
	case r.Rival() != nil:
		r.stale = true
		return *r.Rival()
	case !writes:
		r.stale = true
		return &moved{fmt.Errorf("the writer's mark %s is gone", r.names.Name(entity.Reserved))}
	}
	return nil
}

// Rival implements reconcilers.Contested.
func (r *Reconciler) Rival() *v1.Problem {
	if r.mark.writer == "" || r.mark.writer == r.options.Writer || r.options.Takeover && !r.mark.mine {
		return nil
	}
	return &v1.Problem{
		Reason: v1.Conflict, Gateway: v1.Kong, Object: v1.Key{Kind: v1.KindGateway, Name: string(v1.Kong)},
		Message: fmt.Sprintf("another Lockstep writes to this Kong as the owner %q (its id: %s)", r.names.Owner, r.mark.writer),
		Fix:     "give one of them another --owner, or stop the other and start this one with --takeover",
	}
}

// readMark asks Kong who writes.
func (r *Reconciler) readMark(ctx context.Context) error {
	next := mark{read: time.Now(), mine: r.mark.mine}
	a, err := r.client.Do(ctx, admin.Request{Method: http.MethodGet, Path: "/upstreams/" + r.names.ID(v1.KindUpstream, entity.Reserved)})
	if err != nil && !admin.IsStatus(err, http.StatusNotFound) {
		return err
	}
	if err == nil {
		body, err := jsonvalue.Object(a.Body)
		if err != nil {
			return fmt.Errorf("read the writer's mark: %w", err)
		}
		next.writer = entity.Tagged(body, entity.TagWriter)
	}
	r.mark = next
	return nil
}

// since is how long ago a moment was; a moment that never was is long ago.
func since(t time.Time) time.Duration {
	if t.IsZero() {
		return time.Duration(1<<63 - 1)
	}
	return time.Since(t)
}
