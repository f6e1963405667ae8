package proof

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
)

// Verifier finds out which generation Kong's workers serve. What is to be looked for is told
// by the goroutine that writes; Run looks, in another.
type Verifier struct {
	proxies []string
	host    string // what the proof is asked for by
	word    string // and by which header
	doer    *http.Client
	metrics *Metrics
	poke    chan struct{}
	owed    atomic.Bool // the proof is not what it should be, and nobody was told yet

	mu       sync.Mutex
	recent   []generation // the newest last; never more than maxGenerations
	accepted uint64
	verified uint64
	behind   bool      // the proof does not say what Kong holds
	lacks    bool      // Kong has no plugin that could answer for it
	asleep   time.Time // until then nobody is asked
	kong     workers
	within   time.Duration // that Kong takes by its settings; 0: not known
	settled  time.Duration // after which nothing older is served any more, whichever node is asked
	said     trouble       // why it can't be told; the zero value while it can
	failed   int           // looks in a row that ended with an error
}

// generation is one state of what Kong accepted.
type generation struct {
	number uint64
	token  string
	at     time.Time // when Kong had accepted it
	met    bool      // it was there when Kong was read: nobody knows since when
	from   time.Time // from when on an answer with the token is about this generation
}

// trouble is why it can't be told what Kong serves.
type trouble struct{ problem, fix string }

const (
	maxGenerations = 128
	askPatience    = 2 * time.Second // for one request
	// How many looks may fail until that is said, and how long the newest generation may
	// be missing beyond what Kong's settings say.
	maxFailures = 3
	maxMissing  = 10 * time.Second
)

// Options say how the proof is asked for. All but TLS are needed.
type Options struct {
	Proxies []string    // addresses of Kong's proxy: of any nodes over a database, or of the one without; no password stands in them
	Host    string      // by which the proof is asked for
	Word    string      // what must be in the header
	TLS     *tls.Config // what the proxies must prove, for https; default: the system's authorities
	Metrics *Metrics    // count the requests
}

// New returns a verifier that knows of no generation yet.
func New(o Options) *Verifier {
	v := &Verifier{host: o.Host, word: o.Word, metrics: o.Metrics, poke: make(chan struct{}, 1)}
	for _, raw := range o.Proxies {
		v.proxies = append(v.proxies, strings.TrimRight(raw, "/"))
	}
	v.doer = &http.Client{
		Transport:     askingOnce(o.TLS),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       askPatience,
	}
	return v
}

// askingOnce carries each request over a connection of its own, which may be another
// worker's. It speaks HTTP/1.1: Kong's plugin reads the body of what it answers, and from
// 3.6 on fails (500) to do so where an HTTP/2 request tells no Content-Length, as GET does.
func askingOnce(proves *tls.Config) *http.Transport {
	plain := new(http.Protocols)
	plain.SetHTTP1(true)
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSHandshakeTimeout: askPatience, TLSClientConfig: proves, Protocols: plain,
	}
}

// Accept notes what Kong holds, and returns the number of the generation that it is. proven
// says that the proof bears its token; otherwise it is that of the next one that does.
// renewed says that Kong held no proof before: while its workers know none, asking for it
// could reach a route of somebody's for all hosts, so that waits for as long as they take.
func (v *Verifier) Accept(token string, proven, renewed bool) uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	defer v.wake()
	now := time.Now()
	if renewed {
		v.asleep = now.Add(v.settled)
	}
	if !proven {
		v.behind = true
		return v.accepted + 1
	}
	if renewed {
		v.recent = nil
	}
	if !v.behind && !renewed && v.accepted > 0 && v.recent[len(v.recent)-1].token == token {
		return v.accepted
	}
	v.behind = false
	v.owed.Store(false)
	v.accepted++
	next := generation{number: v.accepted, token: token, at: now}
	for _, g := range v.recent {
		if g.token == token { // a worker that answers with it may not know what was in between
			next.from = now.Add(v.settled)
		}
	}
	v.recent = append(v.recent, next)
	if len(v.recent) > maxGenerations {
		v.recent = append([]generation(nil), v.recent[1:]...)
	}
	return v.accepted
}

// Recognize notes what Kong held, with a proof of it, when it was read.
func (v *Verifier) Recognize(token string) {
	before := v.Known().Accepted
	if v.Accept(token, true, false) == before {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.recent[len(v.recent)-1].met = true
}

func (v *Verifier) wake() {
	select {
	case v.poke <- struct{}{}:
	default:
	}
}

// Owe notes that a write of the proof failed that no outcome tells of.
func (v *Verifier) Owe() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.owed.Store(!v.lacks)
}

// Owes reports once that the proof is to be looked after. v may be nil.
func (v *Verifier) Owes() bool { return v != nil && v.owed.CompareAndSwap(true, false) }

// numberOf is the generation that an answer with a token is about; 0 for none.
func (v *Verifier) numberOf(token string) uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, g := range slices.Backward(v.recent) {
		if g.token == token && !time.Now().Before(g.from) {
			return g.number
		}
	}
	return 0
}

// Known is what is known now, for whoever asks.
func (v *Verifier) Known() reconcilers.Verification {
	v.mu.Lock()
	defer v.mu.Unlock()
	k := reconcilers.Verification{Accepted: v.accepted, Verified: v.verified, Within: v.within, Problem: v.said.problem, Fix: v.said.fix}
	switch {
	case v.lacks:
		k.Problem = "this Kong does not have the bundled plugin " + entity.ProofPlugin + ", by which its workers prove what they serve"
		k.Fix = "add it to Kong's setting plugins, or leave --kong-proxy-url out"
	case v.behind:
		k.Problem = "kong does not hold the route " + v.host + " as it should, by which its workers prove what they serve"
		k.Fix = "see what lockstep status says of it; it is tried again by itself"
	}
	if v.behind {
		k.Accepted++
	}
	return k
}

// found takes in what a look found.
func (v *Verifier) found(proven uint64, why trouble, failed bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	for _, g := range v.recent {
		if g.number > v.verified && g.number <= proven && !g.met {
			v.metrics.served(now.Sub(g.at))
		}
	}
	v.verified = max(v.verified, proven)
	switch {
	case v.verified == v.accepted:
		v.said, v.failed = trouble{}, 0
	case failed:
		if v.failed++; v.failed >= maxFailures {
			v.said = why
		}
	default:
		v.failed = 0
		if missing := now.Sub(v.recent[len(v.recent)-1].at); missing > v.within+maxMissing {
			v.said = why
			v.said.problem = fmt.Sprintf("%s, %s after it was accepted", why.problem, missing.Round(time.Second))
		} else if v.said.problem != "" && proven > 0 {
			v.said = trouble{}
		}
	}
}

// rest returns how long nobody is to be asked; an hour when all is verified.
func (v *Verifier) rest() time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.verified == v.accepted {
		return time.Hour
	}
	return max(time.Until(v.asleep), 0)
}

// Run looks until ctx ends, whose cause it returns: at once when something was accepted, and
// then with pauses that grow. It tells what is known whenever that is something else.
func (v *Verifier) Run(ctx context.Context, tell func(reconcilers.Verification)) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var told reconcilers.Verification
	var pause pauses
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-v.poke:
			pause = pauses{}
		case <-timer.C:
		}
		rest := v.rest()
		if rest == 0 {
			v.found(v.look(ctx))
			if rest = v.rest(); rest == 0 {
				rest = pause.next()
			}
		}
		timer.Reset(rest)
		if now := v.Known(); now != told && ctx.Err() == nil {
			told = now
			tell(now)
		}
	}
}
