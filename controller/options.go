package controller

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/desired"
	"github.com/lockstep/lockstep/controller/history"
	"github.com/lockstep/lockstep/controller/ledger"
	"github.com/lockstep/lockstep/controller/source"
	"github.com/lockstep/lockstep/controller/status"
	"github.com/lockstep/lockstep/reconcilers"
)

// Options are what a Controller is made of.
type Options struct {
	Grammar  v1.Grammar
	Sources  []source.Source
	Gateways []Gateway
	// PublishAddress: see desired.Options.
	PublishAddress netip.Addr
	// Ways, Chain, TLSPassthrough and Given: see desired.Options.
	Ways           []v1.Way
	Chain          desired.Chain
	TLSPassthrough bool
	Given          *desired.Given
	// Memory is the ledger as it was loaded; the Controller owns it from now on.
	Memory *ledger.Ledger
	// Remember saves the ledger; it is called before gateways are told.
	Remember func(*ledger.Ledger) error
	// History keeps what is declared, generation by generation; nil: nothing is kept.
	History *history.Keeper
	Status  *status.Store
	Guard   reconcilers.GuardOptions
	// Resync is how often each gateway is compared afresh though nothing
	// changed; default ten minutes.
	Resync time.Duration
	// LetGo is the command that the log names for what guards hold back; default status.LetGo.
	LetGo    string
	DryRun   bool // plan, but change nothing
	Registry prometheus.Registerer
	Log      *slog.Logger
}

// Gateway is one configured gateway.
type Gateway struct {
	Name       v1.Gateway
	Reconciler reconcilers.Reconciler
	// Guarded is what the gateway's guard remembered when the last daemon ended.
	Guarded reconcilers.GuardMemory
	// KeepGuard saves what the guard remembers; nil: nothing is saved. It is
	// called before removals are made.
	KeepGuard func(reconcilers.GuardMemory) error
	// Drift says of which kinds changes by others are reported; nil: all are repaired.
	Drift reconcilers.DriftPolicy
	// Drifted is what was reported when the last daemon ended.
	Drifted reconcilers.DriftMemory
	// KeepDrifted saves what is reported; nil: nothing is saved. It is called before
	// changes are made.
	KeepDrifted func(reconcilers.DriftMemory) error
}

func (o Options) withDefaults() Options {
	if o.Resync == 0 {
		o.Resync = 10 * time.Minute
	}
	if o.LetGo == "" {
		o.LetGo = status.LetGo
	}
	if o.Remember == nil {
		o.Remember = func(*ledger.Ledger) error { return nil }
	}
	return o
}
