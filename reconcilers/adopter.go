package reconcilers

import (
	"context"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

// Adoption is one thing of somebody else's that stands in the way of what is desired,
// and what would become of it.
type Adoption struct {
	Gateway v1.Gateway
	// ID is the gateway's own name for it as it is now. It tells whether that which
	// somebody agreed to is still the same.
	ID string
	// Names are those by which people may call it, as kind/name; the first is shown.
	Names []string
	// Change is what would be changed: Before is what it is, After what is desired, under
	// the key of that. After is nil where nothing of it would be left.
	Change plan.Change
	// Goes names what would be lost, where that is more than Change says.
	Goes []string
	// Stays names what others have at it; that stays as it is.
	Stays []string
	// Advice is what to do instead; "" when there is nothing to add.
	Advice string
	// Refused says why it can't be adopted, and the remedy; "" when it can.
	Refused string
	// Unless says why it is adopted only when somebody names it; "" when it is at once.
	Unless string
}

// Adopter is implemented by a reconciler that can make its own what is somebody else's,
// where it stands, and give back what is its own.
type Adopter interface {
	// Adoptions returns what of others stands in the way of what is desired, parents
	// first. It looks at the gateway afresh, and changes nothing there.
	Adoptions(ctx context.Context, set v1.Set, shared v1.Shared) ([]Adoption, error)
	// Adopt lets the rounds from now on take what is chosen for ours, until the gateway
	// is read the next time: Compile names it by the id that it has, and Apply makes it
	// what is desired. What that fails to do stays as it was, whosever it is.
	Adopt(chosen []Adoption)
	// Owned returns what the gateway holds of ours, afresh: each as it is now, in
	// Change.Before, and with the reason where it can't be given back.
	Owned(ctx context.Context) ([]Adoption, error)
	// Release takes our marks off what is chosen, which stays as it is and is a
	// stranger's from then on. There is one outcome for each, in their order.
	Release(ctx context.Context, chosen []Adoption) ([]plan.Outcome, error)
}
