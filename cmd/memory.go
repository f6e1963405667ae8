package cmd

import (
	"context"
	"os"
	"runtime/debug"
)

// gcPercent is by how much memory may grow between two collections; Go's own 100 would
// let a daemon that is idle most of the time hold twice what it needs. GOGC overrules it.
const gcPercent = 50

// saveMemory keeps the daemon small, from when it knows what is desired: until then it
// collects less often, for it makes nearly all that it keeps, and the gateways' first
// comparison needs more anyway. The first view of everything leaves as much behind as the
// daemon holds from then on: that is given back once it is ready.
func (d *daemon) saveMemory(ctx context.Context) {
	d.until(ctx, d.status.Known)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	d.untilReady(ctx, false)
	debug.FreeOSMemory()
}
