package docker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/controller/snapshot"
	"github.com/lockstep/lockstep/controller/source"
)

var _ source.Source = (*Source)(nil)

// memory is how far back the first subscription asks, so that a stop that
// began just before the daemon started is still seen as one.
const memory = time.Minute

// Source watches one Docker Engine. Make it with New; Run may be called once.
type Source struct {
	options  Options
	conn     connection
	metrics  *metrics
	world    *world
	networks *networks

	mu    sync.Mutex
	state source.State
	own   []string // ids that the container around us may have, as last found

	// What follows outlives a session and belongs to Run's goroutine.
	facts  map[string]facts  // of containers that were inspected, by id
	stops  stops             // by container id
	dead   map[string]bool   // containers that died, as long as lists may go on calling them running
	joined map[string]string // container id -> id of the one whose network stack it uses
	last   int64             // the Engine's time of the last event, in nanoseconds; 0 before any
	places places            // where the gateways are
}

// New prepares a source; nothing is asked of the Engine before Run. It fails
// when the host or the environment's TLS settings are wrong.
func New(o Options) (*Source, error) {
	o = o.withDefaults()
	conn, err := dial(o.Host, o.wrap)
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, err
	}
	return &Source{
		options:  o,
		conn:     conn,
		metrics:  m,
		world:    newWorld(),
		networks: &networks{metrics: m},
		state:    source.State{Name: "docker"},
		facts:    map[string]facts{},
		stops:    stops{},
		dead:     map[string]bool{},
		joined:   map[string]string{},
		places:   places{pins: map[v1.Gateway]pin{}},
	}, nil
}

// Run implements source.Source.
func (s *Source) Run(ctx context.Context, poke func()) error {
	defer s.conn.engine.Close() //nolint:errcheck // it only drops idle connections and never fails
	for tries := 1; ; tries++ {
		began := time.Now()
		err := s.session(ctx, poke)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if time.Since(began) > s.options.timing.steady {
			tries = 1
		}
		wait := s.options.timing.backoff(tries)
		s.metrics.reconnects.Inc()
		err = s.conn.advise(err)
		if s.lost(err) {
			poke()
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Take implements source.Source. Only the first delta is Full.
func (s *Source) Take() snapshot.Delta { return s.world.take() }

// State implements source.Source.
func (s *Source) State() source.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

// lost notes that the connection is gone and why. It reports whether that is news.
func (s *Source) lost(err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	news := s.state.Connected || s.state.Error != err.Error()
	s.state.Connected, s.state.Error = false, err.Error()
	return news
}

// synced notes that a whole view was read over a stream that stands, and
// whether all is well besides. It reports whether anything but the time is news.
func (s *Source) synced(now time.Time, well bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	news := !s.state.Loaded || !s.state.Connected || (well && s.state.Error != "")
	s.state.Loaded, s.state.Connected, s.state.Synced = true, true, now
	if well {
		s.state.Error = ""
	}
	return news
}

// trouble notes what is wrong while the stream stands; nil clears it. It
// reports whether that is news.
func (s *Source) trouble(err error) bool {
	text := ""
	if err != nil {
		text = err.Error()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	news := s.state.Error != text
	s.state.Error = text
	return news
}

// since is the Engine's time from which events are asked for again.
func (s *Source) since() int64 {
	if s.last == 0 {
		return time.Now().Add(-memory).UnixNano()
	}
	return s.last + 1
}

func (s *Source) enableLabel() string { return s.options.LabelPrefix + "enable" }

// backoff returns how long to wait after so many failures in a row: doubling,
// with up to a quarter less so that many daemons don't come back as one.
func (t timing) backoff(tries int) time.Duration {
	d := t.backoffMax
	if shift := tries - 1; shift < 16 {
		d = min(d, t.backoffMin<<shift)
	}
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}

// String names the source for people.
func (s *Source) String() string { return fmt.Sprintf("docker engine at %s", s.conn.host) }
