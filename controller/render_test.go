package controller

import (
	"strings"
	"testing"
	"testing/synctest"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// writing is a reconciler that writes down the names of services.
type writing struct{ reconcilers.Reconciler }

func (writing) Render(set v1.Set, _ v1.Shared) ([]byte, []v1.Problem, error) {
	var names []string
	for name := range set {
		names = append(names, name)
	}
	return []byte(strings.Join(names, " ")), nil, nil
}

// TestRender: what is rendered is what there should be now, also before it is applied;
// a gateway that can't be, or is not kept, is named.
func TestRender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, func(o *Options) { o.Gateways[0].Reconciler = writing{o.Gateways[0].Reconciler} })
		s.source.say(full("web1"))
		text, problems, err := s.Render(t.Context(), v1.Kong)
		if string(text) != "web1" || len(problems) > 0 || err != nil {
			t.Errorf("%q, %v, %v", text, problems, err)
		}
		writes := s.kong.Writes()
		for gateway, says := range map[v1.Gateway]string{v1.HAProxy: "can't be rendered", "nginx": "is not kept here"} {
			if _, _, err := s.Render(t.Context(), gateway); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v", gateway, err)
			}
		}
		if s.kong.Writes() != writes {
			t.Error("rendering writes")
		}
	})
}
