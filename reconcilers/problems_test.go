package reconcilers

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// TestByService: each problem is told of the services that it concerns, and of what
// belongs to none no service of the same name is blamed.
func TestByService(t *testing.T) {
	at := func(id string) v1.Service { return v1.Service{Endpoints: []v1.Endpoint{{ID: id}}} }
	web, api := at("c1"), at("c1")
	set := v1.Set{"web": &web, "api": &api}
	for object, want := range map[v1.Key][]string{
		{Kind: v1.KindService, Name: "web"}:           {"web"},
		{Kind: v1.KindRoute, Name: "web.default"}:     {"web"},
		{Kind: v1.KindRoute, Name: "shop.web.admin"}:  {"shop.web"},
		{Kind: v1.KindInstance, Name: "c1"}:           {"api", "web"},
		{Kind: v1.KindInstance, Name: "c2"}:           nil,
		{Kind: v1.KindEntity, Name: "consumer/alice"}: {v1.EntityGroup},
		{Kind: v1.KindCertificate, Name: "web"}:       {v1.Key{Kind: v1.KindCertificate, Name: "web"}.String()},
		{Kind: v1.KindConfig, Name: "web"}:            {v1.Key{Kind: v1.KindConfig, Name: "web"}.String()},
		{Kind: v1.KindSection, Name: "web"}:           {v1.Key{Kind: v1.KindSection, Name: "web"}.String()},
	} {
		want, wanted := map[string][]v1.Problem{}, want
		for _, service := range wanted {
			want[service] = []v1.Problem{{Gateway: v1.Kong, Object: object, Message: "no"}}
		}
		if diff := cmp.Diff(want, ByService(v1.Kong, set, []v1.Problem{{Object: object, Message: "no"}})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", object, diff)
		}
	}
}
