package proof

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/portless"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
)

// Header is the name of the header that a request for the proof must have.
const Header = "x-lockstep-verify"

// onlyOnce is in its query: another value in each request.
const onlyOnce = "once"

// How many workers a node may have that nobody knows of, how many connections each one
// takes until it was met with a chance of 999 in 1000, and how many are made at most.
const (
	assumedWorkers = 4
	perWorker      = 7 // (1-1/n)^(7n) < e^-7
	maxAsked       = 128
	askedAtOnce    = 8
	maxProof       = 64 << 10 // bytes of an answer
)

// sight is what was seen at one proxy.
type sight struct {
	proven uint64 // the generation that every worker serves that was met
	why    trouble
	failed bool
}

// look asks all proxies, and returns the generation that all serve. failed says that one
// of them did not answer as Kong does.
func (v *Verifier) look(ctx context.Context) (proven uint64, why trouble, failed bool) {
	sights := make([]sight, len(v.proxies))
	var group sync.WaitGroup
	for i, proxy := range v.proxies {
		group.Go(func() { sights[i] = v.at(ctx, proxy) })
	}
	group.Wait()
	worst := slices.MinFunc(sights, func(a, b sight) int {
		switch {
		case a.failed != b.failed && a.failed:
			return -1
		case a.failed != b.failed:
			return 1
		case a.proven < b.proven:
			return -1
		}
		return 1
	})
	return worst.proven, worst.why, worst.failed
}

// at asks one proxy: one worker, and when that one serves something new, so many more
// that none is missed.
func (v *Verifier) at(ctx context.Context, proxy string) sight {
	v.mu.Lock()
	before, kong := v.verified, v.kong
	v.mu.Unlock()
	first, pid := v.ask(ctx, proxy, kong.Node)
	if first.failed || first.proven <= before {
		return first
	}
	met := map[int]bool{pid: true}
	left := min(perWorker*cmp.Or(len(kong.Pids.Workers), assumedWorkers), maxAsked)
	for left > 0 && !kong.all(met) {
		wave := make([]sight, min(askedAtOnce, left))
		pids := make([]int, len(wave))
		left -= len(wave)
		var group sync.WaitGroup
		for i := range wave {
			group.Go(func() { wave[i], pids[i] = v.ask(ctx, proxy, kong.Node) })
		}
		group.Wait()
		for i, s := range wave {
			met[pids[i]] = true
			if s.failed || s.proven < first.proven {
				first = s
			}
		}
		if first.failed || first.proven <= before {
			return first
		}
	}
	return first
}

// ask asks one worker over a connection of its own. pid is that of the worker, when it is
// one of the node; 0 otherwise.
func (v *Verifier) ask(ctx context.Context, proxy, node string) (s sight, pid int) {
	says, err := v.fetch(ctx, proxy)
	switch {
	case err != nil && ctx.Err() != nil:
		return sight{}, 0
	case err != nil:
		v.metrics.asked("failed")
		return sight{failed: true, why: *err}, 0
	}
	s.proven = min(v.numberOf(says.Message), v.numberOf(tagOf(says.Route.Tags, entity.TagGeneration)))
	s.why = trouble{
		problem: "the proxy at " + proxy + " does not serve the newest configuration",
		fix:     "see Kong's own log; and whether --kong-proxy-url names the same Kong as --kong-admin-url, with nothing before it",
	}
	result := "pending"
	if s.proven > 0 {
		result = "served"
	}
	v.metrics.asked(result)
	if says.Kong.Node == node {
		pid = says.Kong.Worker
	}
	return s, pid
}

// proofAnswer is what Kong's plugin says of a request.
type proofAnswer struct {
	Message string `json:"message"`
	Kong    struct {
		Node   string `json:"node_id"`
		Worker int    `json:"worker_pid"`
	} `json:"kong"`
	Route struct {
		Tags []string `json:"tags"`
	} `json:"matched_route"`
	Request struct {
		Query map[string]any `json:"query"`
	} `json:"request"`
}

func tagOf(tags []string, prefix string) string {
	for _, tag := range tags {
		if value, is := strings.CutPrefix(tag, prefix); is {
			return value
		}
	}
	return ""
}

// fetch sends one request for the proof. An answer that says nothing, of a Kong that does
// not know the proof yet, is no trouble.
func (v *Verifier) fetch(ctx context.Context, proxy string) (says proofAnswer, why *trouble) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, proxy+"/", nil)
	if err != nil { // kong.CheckProxyURL took it
		return says, &trouble{problem: "the request to " + proxy + " can't be made", fix: "correct --kong-proxy-url"}
	}
	// No two requests are alike, so that nothing that keeps answers has one for it.
	once := strconv.FormatUint(rand.Uint64(), 16)
	req.URL.RawQuery = url.Values{onlyOnce: {once}}.Encode()
	req.Host = v.host
	req.Header.Set(Header, v.word)
	response, err := v.doer.Do(req)
	if err != nil {
		return says, silent(proxy, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxProof))
	if err != nil {
		return says, silent(proxy, err)
	}
	switch response.StatusCode {
	case http.StatusOK:
		if json.Unmarshal(text, &says) != nil || tagOf(says.Route.Tags, entity.TagOwner) == "" {
			return proofAnswer{}, notKong(proxy, "answers with something else")
		}
		if says.Request.Query[onlyOnce] != once {
			return proofAnswer{}, &trouble{
				problem: "what is at " + proxy + " answers with what another request was answered",
				fix:     "put the plugin that keeps answers (proxy-cache) on services instead of on everything, or leave --kong-proxy-url out",
			}
		}
		return says, nil
	case http.StatusServiceUnavailable, http.StatusNotFound: // it does not know the plugin yet, or not even the route
		var refused struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(text, &refused) == nil && refused.Message != "" {
			return says, nil
		}
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		return says, &trouble{
			problem: fmt.Sprintf("the proxy at %s answers %d where Lockstep asks it what it serves", proxy, response.StatusCode),
			fix:     "put the plugin that does so on services instead of on everything, or leave --kong-proxy-url out",
		}
	}
	return says, notKong(proxy, fmt.Sprintf("answers %d", response.StatusCode))
}

func silent(proxy string, err error) *trouble {
	var timeout interface{ Timeout() bool }
	said := err
	if wrapped, named := errors.AsType[*url.Error](err); named { // it repeats the address
		said = wrapped.Err
	}
	reason, fix := v1.OneLine(portless.Text(said.Error())), "see that --kong-proxy-url names an address of Kong's proxy_listen that can be reached from here"
	if _, doubted := errors.AsType[*tls.CertificateVerificationError](err); doubted {
		fix = "its certificate must be for the host in --kong-proxy-url, from an authority of the system's or of --kong-admin-ca"
	}
	if errors.As(err, &timeout) && timeout.Timeout() {
		reason = fmt.Sprintf("no answer within %s", askPatience)
	}
	return &trouble{problem: "the proxy at " + proxy + " does not answer: " + reason, fix: fix}
}

func notKong(proxy, does string) *trouble {
	return &trouble{
		problem: "what is at " + proxy + " " + does + ", as Kong's proxy would not",
		fix:     "see that --kong-proxy-url names Kong's own proxy (proxy_listen), with nothing before it",
	}
}
