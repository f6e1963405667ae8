package haproxy

import (
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// TestUnserved: what is declared for Kong is named where there is none, and nowhere else.
func TestUnserved(t *testing.T) {
	at := v1.Origin{File: "kong.yaml", Line: 4, Column: 1}
	entities := []v1.Entity{{Kind: v1.KindConsumer, Name: "alice", Origin: at}}
	if problems := (&Reconciler{}).unserved(entities); len(problems) > 0 {
		t.Errorf("beside Kong: %v", problems)
	}
	problems := (&Reconciler{o: Options{Alone: true}}).unserved(entities)
	if len(problems) != 1 || problems[0].Origin != at || problems[0].Object != entities[0].Key() || problems[0].Reason != v1.NotExpressible {
		t.Errorf("alone: %v", problems)
	}
}
