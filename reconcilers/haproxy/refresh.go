package haproxy

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/lockstep/lockstep/internal/digest"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// refresh finds out what the files and the process hold. Afterwards the model
// says what is really so: where the process and the files disagree about a
// server, the process is right.
func (r *Reconciler) refresh(ctx context.Context) error {
	r.known = false
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("look at HAProxy: %w", err)
	}
	r.readSecured()
	r.rereadPages()
	r.lookAtLog(0)
	defer r.tellNotices()
	if err := r.readFiles(); err != nil {
		return err
	}
	r.running, r.patterns, r.hosts, r.certs, r.backends = map[string]string{}, nil, nil, nil, map[string]bool{}
	if r.process != nil {
		alive, err := r.process.Find(ctx)
		if err != nil {
			return err
		}
		if !alive {
			r.unreached(ctx, processStopped)
			return nil
		}
		r.lookAtLog(r.process.PID())
		deaf, err := r.deaf(ctx)
		if err != nil {
			return err
		}
		if deaf {
			r.unreached(ctx, processDeaf)
			return nil
		}
	}
	w, err := r.look(ctx)
	if err != nil {
		return err
	}
	was := r.live.pid
	r.adopt(w)
	if err := r.findOverdue(ctx); err != nil {
		return err
	}
	if w.pid != was {
		if was != 0 { // with our own loads we learn the pid from them
			r.metrics.drift.WithLabelValues("worker").Inc()
			// Watch takes the worker for known from here on, and whoever asked for
			// this look may only have wanted to see.
			r.watched.later(0)
		}
		r.handover(ctx)
	}
	r.survey()
	r.see(w.identity)
	r.known = true
	r.metrics.spares.Set(float64(len(r.free())))
	return nil
}

// unreached notes that no process holds anything that we could find out or change.
func (r *Reconciler) unreached(ctx context.Context, process string) {
	r.version = "" // the next one may be another
	if err := r.askProgram(ctx); err != nil {
		r.o.Log.Debug("haproxy's version is not known", "error", err) // starting it says so as well
	}
	r.condition.process, r.condition.loaded, r.condition.routes = process, "no", "missing"
	r.live = identity{}
	r.table = routemap.New(r.o.Owner, r.model)
	r.survey()
	r.see(identity{})
	r.known = true
}

// readFiles compares the files with what we know, or learns it from them.
func (r *Reconciler) readFiles() error {
	files, err := r.dir.ReadConfigs()
	if err != nil {
		return err
	}
	routes, err := r.dir.Read(disk.Routes)
	if err != nil {
		return err
	}
	patterns, err := r.dir.Read(disk.Patterns)
	if err != nil {
		return err
	}
	marked, err := r.dir.Read(disk.Mark)
	if err != nil {
		return err
	}
	if r.model == nil {
		r.model = config.Parse(r.o.Owner, files, routes)
		if r.model.Certs, err = crt.Read(r.dir); err != nil {
			return err
		}
	}
	certs, err := crt.Says(r.dir, r.model.Certs)
	if err != nil {
		return err
	}
	said, err := sayAuthorities(r.dir, r.model)
	if err != nil {
		return err
	}
	r.tellExpiry()
	r.table = routemap.New(r.o.Owner, r.model)
	r.condition = condition{text: digest.Of(r.model.Base()), process: processRuns, loaded: "yes", files: "current", routes: "current"}
	switch {
	case r.behind.any():
		r.condition.files = "unwritten"
	case files[disk.Config] == nil || routes == nil || patterns == nil || marked == nil:
		r.condition.files = "missing"
	case !r.model.Says(files) || !bytes.Equal(routes, r.table.Render()) ||
		!bytes.Equal(patterns, r.table.RenderPatterns()):
		r.condition.files = "edited"
		r.metrics.drift.WithLabelValues("files").Inc()
	case !certs || !said: // what the process has is compared apart: no reload for this
		r.condition.files = "missing"
		r.metrics.drift.WithLabelValues("files").Inc()
	}
	return nil
}

// adopt takes over what the process holds.
func (r *Reconciler) adopt(w world) {
	r.live, r.backends, r.running, r.patterns, r.hosts, r.certs = w.identity, w.backends, w.routes, w.patterns, w.hosts, w.certs
	if w.generation != r.model.Generation() || r.condition.files == "edited" {
		r.condition.loaded = "no"
	}
	var named map[string]bool
	if !sameMap(w.routes, r.table.All()) || w.patterns != nil && !slices.Equal(w.patterns, r.table.Patterns()) {
		named = targets(r.o.Owner, w.routes, w.patterns)
		r.condition.routes = "edited"
		if w.generation != "" {
			r.metrics.drift.WithLabelValues("routes").Inc()
		}
	}
	e := r.model.Edit()
	for b := range r.model.Backends() {
		if !w.backends[b.Live()] { // it has loaded what stood here once, not what does
			r.condition.loaded = "no"
			continue
		}
		servers := overlay(b, r.staying(b, w.servers[b.Live()]))
		// A daemon that was killed before it wrote down who took it.
		used := b.Service == "" && !b.Retired && (len(servers) > 0 || named[b.Spare])
		if slices.Equal(servers, b.Servers) && !used {
			continue
		}
		next := *b
		next.Servers, next.Retired = servers, b.Retired || used
		e.Keep(&next)
		r.metrics.drift.WithLabelValues("servers").Inc()
	}
	e.Apply()
}

// staying leaves out the servers that wait to be deleted and need no try now.
func (r *Reconciler) staying(b *config.Backend, live []socket.Server) []socket.Server {
	return slices.DeleteFunc(live, func(l socket.Server) bool {
		waits, leaves := r.leaving[b.Name()+"/"+l.Name]
		return leaves && l.Maint && time.Now().Before(waits.next)
	})
}

// overlay returns a backend's servers as the process has them, with the ids
// and weights that only the files know.
func overlay(b *config.Backend, live []socket.Server) []config.Server {
	servers := make([]config.Server, 0, len(live))
	for _, l := range live {
		s := config.Server{Name: l.Name, ID: l.Name, Address: canonicalAddress(l.Address), Weight: l.Weight}
		s.Maint, s.Drain = l.Maint, l.Drain
		if filed, there := b.Server(l.Name); there {
			s.ID, s.MaxConn, s.Backup = filed.ID, filed.MaxConn, filed.Backup
			if b.Sticky != "" && filed.Drain && s.Maint { // see stateCommand
				s.Maint, s.Drain = false, true
			}
			// After a reload a draining server has weight 0 and no other mark.
			if filed.Drain && l.Weight == 0 && !s.Maint {
				s.Drain, s.Weight = true, filed.Weight
			}
			if filed.Drain && s.Drain {
				s.Until = filed.Until
			}
		}
		servers = append(servers, s)
	}
	slices.SortFunc(servers, func(a, b config.Server) int { return strings.Compare(a.Name, b.Name) })
	return servers
}

// canonicalAddress writes an address as netip does, so that ours and HAProxy's compare.
func canonicalAddress(text string) string {
	host, port, err := splitAddress(text)
	if err != nil {
		return text
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return text
	}
	return net.JoinHostPort(address.String(), port)
}

// splitAddress takes the brackets off an IPv6 address.
func splitAddress(text string) (host, port string, err error) {
	if host, port, err = net.SplitHostPort(text); err != nil {
		return "", "", fmt.Errorf("%q is no address: %w", text, err)
	}
	return host, port, nil
}

func sameMap(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for key, value := range a {
		if other, ok := b[key]; !ok || other != value {
			return false
		}
	}
	return true
}
