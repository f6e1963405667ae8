package fakekong

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// behind is a real Kong that answers in the stand-in's place. Requests pass with their
// faults and into the log, and what a test makes is known by its id, to be shown alone
// and removed again. Where it is set apart, the word "lockstep" and ids are spelled
// differently there, so that nothing of a test is what some Lockstep has made.
type behind struct {
	url    string
	client *http.Client
	proxy  string  // URL; "" where nobody said
	word   string  // in the place of "lockstep"; "" for none
	mask   [6]byte // by which the last bytes of ids differ

	mu   sync.Mutex
	made map[string]bool // ids, as the client knows them
}

// spelling is what makes one process spell differently from all others. Kong makes hashes
// with ids, so that two worlds of one process are only equal if their ids are.
var spelling = sync.OnceValue(uuid.New)

// longest is how long the real Kong may take for one answer.
const longest = time.Minute

func newBehind(o Options) (*behind, error) {
	random := spelling()
	b := &behind{
		url: strings.TrimRight(o.AdminOf, "/"), proxy: strings.TrimRight(o.ProxyOf, "/"),
		client: asking(&http.Transport{MaxIdleConnsPerHost: 32}), made: map[string]bool{},
	}
	if !isAddress(b.url) {
		return nil, fmt.Errorf("%q is no address of an Admin API", o.AdminOf)
	}
	if o.Apart {
		b.word, b.mask = "t"+hex.EncodeToString(random[:])[:7], [6]byte(random[10:])
	}
	if b.proxy != "" && !isAddress(b.proxy) {
		return nil, fmt.Errorf("%q is no address of a proxy", o.ProxyOf)
	}
	return b, nil
}

func isAddress(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Host != ""
}

// asking is a client that passes on what it is answered, whatever it is.
func asking(t *http.Transport) *http.Client {
	return &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// edition asks the real Kong what it is: its mode, its ports for connections, and whether
// it has consumer groups.
func (b *behind) edition() (o Options, err error) {
	a, err := b.ask(context.Background(), http.MethodGet, "/", nil, nil)
	if err != nil {
		return o, err
	}
	var root struct {
		Configuration struct {
			Database Mode            `json:"database"`
			Stream   json.RawMessage `json:"stream_listeners"`
		} `json:"configuration"`
	}
	if err := json.Unmarshal(a.raw, &root); err != nil || root.Configuration.Database == "" {
		return o, errors.New("it is not Kong's Admin API that answers")
	}
	o.Mode = root.Configuration.Database
	var ports []struct {
		Port     int
		SSL, UDP bool
	}
	if json.Unmarshal(root.Configuration.Stream, &ports) == nil { // none are an object
		for _, p := range ports {
			if !p.UDP {
				o.Stream = append(o.Stream, StreamListener{Port: p.Port, TLS: p.SSL})
			}
		}
	}
	a, err = b.ask(context.Background(), http.MethodGet, "/consumer_groups?size=1", nil, nil)
	if err != nil {
		return o, err
	}
	o.Groups = a.status == http.StatusOK
	return o, nil
}

// Lacks says what of the options a real Kong in this one's place (Options.AdminOf) does
// not have, and nobody can give it; "" for nothing. Stream counts where it is not nil.
func (k *Kong) Lacks(o Options) string {
	if k.behind == nil {
		return ""
	}
	groups := k.lib.has(kindOf("consumer_groups"))
	switch mode := cmp.Or(o.Mode, Database); {
	case mode != k.mode:
		return fmt.Sprintf("the database %q: it says %q", mode, k.mode)
	case o.Schemas != nil || o.RouteDelay > 0 || o.PluginDelay > 0:
		return "schemas and delays that only the stand-in for Kong can be told"
	case len(o.Workspaces) > 0:
		return "workspaces, which another edition has, and which nobody makes there"
	case o.Groups && !groups:
		return "consumer groups, which another edition has"
	case o.Stream != nil && !slices.Equal(o.Stream, k.stream):
		return fmt.Sprintf("the setting stream_listen as %v: it reports %v", o.Stream, k.stream)
	}
	return ""
}

// serve passes a request on. What the real Kong has begun it ends, whatever becomes of
// the client; nil: it did not answer.
func (b *behind) serve(r *http.Request, raw []byte, down <-chan struct{}) *answer {
	if closed(down) {
		return nil
	}
	a, err := b.ask(context.WithoutCancel(r.Context()), r.Method, r.URL.RequestURI(), r.Header, raw)
	if err != nil {
		return nil
	}
	if (Request{Method: r.Method}).Writes() && a.status < 300 {
		var body struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(a.raw, &body) == nil && body.ID != "" {
			b.mu.Lock()
			b.made[body.ID] = true
			b.mu.Unlock()
		}
	}
	return a
}

// ask sends one request to the Admin API in the real Kong's spelling, and returns the
// answer in ours.
func (b *behind) ask(ctx context.Context, method, path string, header http.Header, body []byte) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, b.url+b.theirs(path), strings.NewReader(b.theirs(string(body))))
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, header)
	return b.pass(b.client, req)
}

// pass sends a request that is in the real Kong's spelling, and returns the answer in ours.
func (b *behind) pass(client *http.Client, req *http.Request) (*answer, error) {
	req.Header.Del("Accept-Encoding")
	response, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	for _, name := range hop {
		response.Header.Del(name)
	}
	return &answer{status: response.StatusCode, header: response.Header, raw: []byte(b.ours(string(text)))}, nil
}

// hop are the headers that speak of one connection, or of a body before it is spelled again.
var hop = []string{"Connection", "Content-Length", "Transfer-Encoding", "Keep-Alive"}

// theirs is a text as the real Kong gets it, and ours one of its own as tests know it.
func (b *behind) theirs(text string) string {
	if b.word == "" {
		return text
	}
	return strings.ReplaceAll(b.masked(text), "lockstep", b.word)
}

func (b *behind) ours(text string) string {
	if b.word == "" {
		return text
	}
	return b.masked(strings.ReplaceAll(text, b.word, "lockstep"))
}

var anyID = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// masked gives the ids within a text their other spelling; twice, their own again.
func (b *behind) masked(text string) string {
	return anyID.ReplaceAllStringFunc(text, func(id string) string {
		parsed, err := uuid.Parse(id)
		if err != nil || parsed == uuid.Nil {
			return id
		}
		for i := range b.mask {
			parsed[10+i] ^= b.mask[i]
		}
		return parsed.String()
	})
}
