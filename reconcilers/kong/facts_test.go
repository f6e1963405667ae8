package kong

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/plan"
)

var versions = regexp.MustCompile(`"version":\s*"[^"]*"`)

// upgraded carries requests to the stand-in, and lets it say that it is another version.
type upgraded struct{ version string }

func (u *upgraded) RoundTrip(req *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || u.version == "" || req.URL.Path != "/" {
		return response, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	text = versions.ReplaceAll(text, []byte(`"version":"`+u.version+`"`))
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	response.Header.Del("Content-Length")
	return response, nil
}

// schemasAsked counts the requests for schemas since the last Forget, of kinds and of plugins.
func schemasAsked(k *fakekong.Kong) (kinds, plugins int) {
	for path, n := range asked(k) {
		switch {
		case strings.HasPrefix(path, "GET /schemas/plugins/"):
			plugins += n
		case strings.HasPrefix(path, "GET /schemas/"):
			kinds += n
		}
	}
	return kinds, plugins
}

// TestSchemasAreReadOncePerVersion: a Kong that was away is asked who it is, but described
// again only when that is another version; then it is described wholly, and once.
func TestSchemasAreReadOncePerVersion(t *testing.T) {
	for _, mode := range []fakekong.Mode{fakekong.Database, fakekong.DBLess} {
		t.Run(string(mode), func(t *testing.T) {
			k := start(t, fakekong.Options{Mode: mode})
			as := &upgraded{}
			o := options(k.AdminURL)
			o.Transport = as
			r := open(t, o)
			set := setOf(service("a", 1))
			settled(t, r, set)
			kinds, plugins := schemasAsked(k)
			if kinds == 0 || plugins == 0 {
				t.Fatalf("at first %d kinds and %d plugins are asked for", kinds, plugins)
			}
			for _, c := range []struct {
				name, version  string
				away           bool
				kinds, plugins int
			}{
				{"it stays", "", false, 0, 0},
				{"it was away", "", true, 0, 0},
				{"it comes back as another version", "3.10.0", true, kinds, plugins},
				{"it stays that", "3.10.0", false, 0, 0},
				{"that was away", "3.10.0", true, 0, 0},
				{"it comes back as the version before", "", true, kinds, plugins},
			} {
				if c.away {
					k.Stop()
					if _, _, err := round(t.Context(), r, set); err == nil {
						t.Fatalf("%s: nobody answers, and no error", c.name)
					}
					if err := k.Start(); err != nil {
						t.Fatal(err)
					}
				}
				as.version = c.version
				k.Forget()
				settled(t, r, set)
				if again, more := schemasAsked(k); again != c.kinds || more != c.plugins {
					t.Errorf("%s: %d kinds and %d plugins are asked for, want %d and %d", c.name, again, more, c.kinds, c.plugins)
				}
				if roots := asked(k)["GET /"]; c.away != (roots > 0) {
					t.Errorf("%s: it is asked %d times who it is", c.name, roots)
				}
			}
		})
	}
}

// TestKindIsAskedForAgain: a kind that Kong seemed not to know is asked for again after a
// while, and only such kinds, and what was not made for want of it is made.
func TestKindIsAskedForAgain(t *testing.T) {
	modes(t, func(t *testing.T, _ fakekong.Mode, k *fakekong.Kong, o Options) {
		t.Helper()
		k.FailNext(func(r *http.Request) bool { return r.URL.Path == "/schemas/consumers" }, fakekong.Fault{Status: http.StatusNotFound, Body: "no such page"})
		r := open(t, o)
		shared := v1.Shared{Entities: []v1.Entity{anEntity(v1.KindConsumer, "alice", body{"username": "alice"})}}
		wrong := func() int {
			t.Helper()
			observed, err := r.Observe(t.Context(), reconcilers.Scope{Fresh: true})
			if err != nil {
				t.Fatal(err)
			}
			desired, problems := r.Compile(reconcilers.Scope{}, v1.Set{}, shared)
			if outcomes, err := r.Apply(t.Context(), plan.Diff(observed, desired)); err != nil || first(outcomes) != nil {
				t.Fatalf("%v, %v", err, first(outcomes))
			}
			return len(problems)
		}
		if n := wrong(); n != 1 {
			t.Fatalf("%d problems where there is no such kind", n)
		}
		k.Forget()
		if n := wrong(); n != 1 || asked(k)["GET /schemas/consumers"] != 0 {
			t.Errorf("%d problems right after, and %v", n, asked(k))
		}
		r.kindsAsked = time.Now().Add(-kindsAgain)
		if n := wrong(); n != 0 || asked(k)["GET /schemas/consumers"] != 1 || asked(k)["GET /schemas/routes"] != 0 {
			t.Errorf("%d problems a while after, and %v", n, asked(k))
		}
		if !strings.Contains(k.World(), "alice") {
			t.Errorf("it is not made:\n%s", k.World())
		}
		k.Forget()
		if n := wrong(); n != 0 || asked(k)["GET /schemas/consumers"] != 0 {
			t.Errorf("%d problems once it is known, and %v", n, asked(k))
		}
	})
}
