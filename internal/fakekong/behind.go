package fakekong

import (
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

func newBehind(address string, apart bool) (*behind, error) {
	if u, err := url.Parse(address); err != nil || u.Host == "" {
		return nil, fmt.Errorf("%q is no address of an Admin API", address)
	}
	random := spelling()
	b := &behind{url: strings.TrimRight(address, "/"), client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32}}, made: map[string]bool{}}
	if apart {
		b.word, b.mask = "t"+hex.EncodeToString(random[:])[:7], [6]byte(random[10:])
	}
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return b, nil
}

// mode asks the real Kong whether it has a database.
func (b *behind) mode() (Mode, error) {
	a, err := b.ask(context.Background(), http.MethodGet, "/", nil, nil)
	if err != nil {
		return "", err
	}
	var root struct {
		Configuration struct {
			Database Mode `json:"database"`
		} `json:"configuration"`
	}
	if err := json.Unmarshal(a.raw, &root); err != nil || root.Configuration.Database == "" {
		return "", fmt.Errorf("what answers at %s is not Kong's Admin API", b.url)
	}
	return root.Configuration.Database, nil
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

// ask sends one request in the real Kong's spelling, and returns the answer in ours.
func (b *behind) ask(ctx context.Context, method, path string, header http.Header, body []byte) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, b.url+b.theirs(path), strings.NewReader(b.theirs(string(body))))
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, header)
	req.Header.Del("Accept-Encoding")
	response, err := b.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"Connection", "Content-Length", "Transfer-Encoding", "Keep-Alive"} {
		response.Header.Del(name)
	}
	return &answer{status: response.StatusCode, header: response.Header, raw: []byte(b.ours(string(text)))}, nil
}

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

// read returns what was made through here, by kind; of a Kong without a database, all.
func (b *behind) read(lib *library, all bool) (*store, error) {
	s := newStore()
	for _, kd := range kinds {
		if !lib.has(kd) {
			continue
		}
		for _, path := range paths(kd, s) {
			rows, err := b.list(path)
			if err != nil {
				return nil, err
			}
			for _, row := range rows {
				if !all && !b.has(kd, row) {
					continue
				}
				if kd.name == "certificates" {
					delete(row, "snis") // they are entities
				}
				s.put(lib, kd, row)
			}
		}
	}
	return s, nil
}

// paths are those of the lists of a kind: of targets there is one below each upstream.
func paths(kd *kind, s *store) []string {
	if kd.path != "" {
		return []string{"/" + kd.path}
	}
	var out []string
	for _, upstream := range s.list(kindOf("upstreams")) {
		out = append(out, "/upstreams/"+upstream.id()+"/targets")
	}
	return out
}

// has reports whether an entity was made through here; the names of a certificate are
// made along with it.
func (b *behind) has(kd *kind, row map[string]any) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.made[text(row["id"])] || kd.name == "snis" && b.made[refID(row["certificate"])]
}

// list reads a list to its end; one that this edition has not is empty.
func (b *behind) list(path string) ([]map[string]any, error) {
	var all []map[string]any
	for offset := ""; ; {
		a, err := b.ask(context.Background(), http.MethodGet, path+"?size=1000"+offset, nil, nil)
		if err != nil {
			return nil, err
		}
		if a.status == http.StatusNotFound {
			return all, nil
		}
		var page struct {
			Data   json.RawMessage `json:"data"`
			Offset string          `json:"offset"`
		}
		if err := json.Unmarshal(a.raw, &page); err != nil || a.status != http.StatusOK {
			return nil, fmt.Errorf("GET %s: status %d: %.200s", path, a.status, a.raw)
		}
		var rows []map[string]any
		if string(page.Data) != "{}" {
			if err := json.Unmarshal(page.Data, &rows); err != nil {
				return nil, fmt.Errorf("GET %s: %w", path, err)
			}
		}
		if all = append(all, rows...); page.Offset == "" {
			return all, nil
		}
		offset = "&offset=" + url.QueryEscape(page.Offset)
	}
}

// clear removes what was made through here, children first.
func (b *behind) clear(lib *library, mode Mode) error {
	if mode == DBLess {
		a, err := b.ask(context.Background(), http.MethodPost, "/config", http.Header{"Content-Type": {"application/json"}}, []byte(`{"_format_version":"3.0"}`))
		if err == nil && a.status >= 300 {
			err = fmt.Errorf("POST /config: status %d: %.200s", a.status, a.raw)
		}
		return err
	}
	s, err := b.read(lib, false)
	if err != nil {
		return err
	}
	var problems []error
	for _, kd := range slices.Backward(kinds) {
		for _, e := range s.list(kd) {
			path := "/" + kd.path + "/" + e.id()
			if kd.name == "targets" {
				path = "/upstreams/" + e.ref("upstream") + "/targets/" + e.id()
			}
			a, err := b.ask(context.Background(), http.MethodDelete, path, nil, nil)
			if err == nil && a.status >= 300 && a.status != http.StatusNotFound {
				err = fmt.Errorf("DELETE %s: status %d: %.200s", path, a.status, a.raw)
			}
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}
