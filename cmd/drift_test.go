package cmd

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
)

func TestDriftPolicy(t *testing.T) {
	all := v1.EntityKinds()
	cases := map[string]struct {
		kinds int
		has   []v1.Kind
		lacks []v1.Kind
	}{
		"":                                 {},
		"repair":                           {},
		"report":                           {kinds: len(all)},
		"plugins=report,consumers=report":  {kinds: 2, has: []v1.Kind{v1.KindPlugin, v1.KindConsumer}},
		"plugins=repair,report":            {kinds: len(all) - 1, lacks: []v1.Kind{v1.KindPlugin}},
		"repair,routes=report":             {kinds: 1, has: []v1.Kind{v1.KindRoute}},
		"plugins=report,plugins=report":    {kinds: 1, has: []v1.Kind{v1.KindPlugin}},
		"keyauth_credentials=report":       {kinds: 1, has: []v1.Kind{v1.KindKeyAuth}},
		"targets=report,upstreams=report":  {kinds: 2, has: []v1.Kind{v1.KindTarget, v1.KindUpstream}},
		"services=report,snis=report":      {kinds: 2, has: []v1.Kind{v1.KindService, v1.KindSNI}},
		"certificates=report,snis=repair":  {kinds: 1, has: []v1.Kind{v1.KindCertificate}, lacks: []v1.Kind{v1.KindSNI}},
		"report,snis=repair,routes=report": {kinds: len(all) - 1, lacks: []v1.Kind{v1.KindSNI}},
	}
	for text, c := range cases {
		policy, err := parseDrift(strings.FieldsFunc(text, func(r rune) bool { return r == ',' }))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if len(policy) != c.kinds {
			t.Errorf("%q reports %d kinds, want %d: %v", text, len(policy), c.kinds, policy)
		}
		for _, kind := range slices.Concat(c.has, c.lacks) {
			if policy[kind] != slices.Contains(c.has, kind) {
				t.Errorf("%q: %s is reported: %v", text, kind, policy[kind])
			}
		}
	}
}

func TestDriftPolicyMistakes(t *testing.T) {
	for text, says := range map[string]string{
		"plugin=report":                 "did you mean plugins?",
		"consumer_grups=repair":         "did you mean consumer_groups?",
		"xyzzy=report":                  "it has vaults, ",
		"=report":                       `no kind ""`,
		"ignore":                        "write report or repair",
		"plugins=ignore":                "write report or repair",
		"plugins":                       "write report or repair",
		"report,repair":                 "contradicts",
		"routes=report,routes=repair":   "contradicts",
		"plugins=report, routes=report": `no kind " routes"`,
	} {
		_, err := parseDrift(strings.Split(text, ","))
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "--kong-drift") {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
	s, c := bound(t, "--kong-admin-url", "http://127.0.0.1:1", "--kong-drift", "plugin=report")
	if err := s.check(); err == nil || !strings.Contains(err.Error(), "did you mean plugins?") {
		t.Errorf("the flag is taken: %v", err)
	}
	if diff := cmp.Diff(true, c != nil); diff != "" {
		t.Error(diff)
	}
}
