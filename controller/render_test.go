package controller

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// writing is a reconciler that writes down the names of services.
type writing struct{ reconcilers.Reconciler }

func (writing) Render(set v1.Set, _ v1.Shared) ([]reconcilers.File, []v1.Problem, error) {
	var names []string
	for name := range set {
		names = append(names, name)
	}
	return []reconcilers.File{{Name: "services", Text: strings.Join(names, " ")}}, nil, nil
}

// TestRender: what is rendered is what there should be now, also before it is applied;
// a gateway that can't be, or is not kept, is named.
func TestRender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := begin(t, func(o *Options) { o.Gateways[0].Reconciler = writing{o.Gateways[0].Reconciler} })
		s.source.say(full("web1"))
		files, problems, err := s.Render(t.Context(), v1.Kong)
		if len(files) != 1 || files[0].Text != "web1" || len(problems) > 0 || err != nil {
			t.Errorf("%q, %v, %v", files, problems, err)
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

// dawdling is a reconciler that takes its time to render.
type dawdling struct {
	reconcilers.Reconciler
	asked, proceed chan struct{}
}

func (s dawdling) Render(v1.Set, v1.Shared) ([]reconcilers.File, []v1.Problem, error) {
	close(s.asked)
	<-s.proceed
	return []reconcilers.File{{Text: "late"}}, nil, nil
}

// TestRenderIsGivenUp: who does not wait for a slow gateway gets no half of its answer.
func TestRenderIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := dawdling{asked: make(chan struct{}), proceed: make(chan struct{})}
		s := begin(t, func(o *Options) { r.Reconciler = o.Gateways[0].Reconciler; o.Gateways[0].Reconciler = r })
		s.source.say(full("web1"))
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-r.asked
			cancel()
			close(r.proceed)
		}()
		files, _, err := s.Render(ctx, v1.Kong)
		if late := len(files) == 1 && files[0].Text == "late" && err == nil; !late && (files != nil || !errors.Is(err, context.Canceled)) {
			t.Errorf("%q, %v", files, err)
		}
	})
}
