package manifests

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// TestBothSpellings writes the example of each field of the table as a label and
// as a manifest, and wants the same of both.
func TestBothSpellings(t *testing.T) {
	apart := cmp.Options{
		cmpopts.IgnoreTypes(v1.Origin{}), cmpopts.EquateEmpty(),
	}
	for _, f := range v1.Fields() {
		if f.Scope == v1.OfContainer || f.Name == "port" || f.Name == "network" {
			continue // a manifest says these of an object, or of an address, otherwise
		}
		t.Run(f.Name, func(t *testing.T) {
			label, value, _ := strings.Cut(f.Example, "=")
			labels := map[string]string{"lockstep.enable": "true", "lockstep.service": "shop.web", "lockstep." + label: value}
			beside := ""
			if f.Protocols != nil && !slices.Contains(f.Protocols, v1.HTTP) {
				labels["lockstep.protocol"], beside = f.Protocols[0].String(), "  protocol: "+f.Protocols[0].String()+"\n"
			}
			declared, problems := v1.Grammar{Prefix: "lockstep."}.Decode(v1.Subject{Container: "c", Labels: labels})
			want := declared.Services
			needsCheck := strings.Contains(fmt.Sprint(problems), "of no use without")
			check := "  check: http\n"
			if needsCheck {
				labels["lockstep.check"] = v1.CheckHTTP
				if f.Name == "check_send" || f.Name == "check_expect" {
					labels["lockstep.check"], check = v1.CheckTCP, "  check: tcp\n"
				}
				if f.Name == "check_send" {
					labels["lockstep.check_expect"] = "x"
					check += "  check_expect: x\n"
				}
				declared, problems = v1.Grammar{Prefix: "lockstep."}.Decode(v1.Subject{Container: "c", Labels: labels})
				want = declared.Services
			}
			routeAlone := strings.Contains(fmt.Sprint(problems), "takes no requests")
			if routeAlone { // the example is no match: one is set beside it
				labels["lockstep.paths"] = "/beside"
				declared, problems = v1.Grammar{Prefix: "lockstep."}.Decode(v1.Subject{Container: "c", Labels: labels})
				want = declared.Services
			}
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			yaml := "apiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: shop.web}\nspec:\n"
			if f.Scope == v1.OfInstance {
				yaml += "  endpoints:\n    - address: 10.0.0.5:80\n      " + f.ExampleYAML() + "\n"
			} else {
				yaml += "  " + f.ExampleYAML() + "\n" + beside
			}
			if needsCheck {
				yaml += check
			}
			if routeAlone {
				yaml += "  paths: [/beside]\n"
			}
			file, problems := Parse("x.yaml", []byte(yaml))
			if len(problems) > 0 {
				t.Fatalf("%v of:\n%s", problems, yaml)
			}
			got := file.Objects[0].Service
			if f.Scope == v1.OfInstance {
				part := got.Endpoints[0].Part
				part.Service = want[0].Service
				if diff := cmp.Diff(want[0], part, apart); diff != "" {
					t.Errorf("the label and the manifest differ (-label +manifest):\n%s", diff)
				}
				return
			}
			if diff := cmp.Diff(want[0].Service, got.Service, apart); diff != "" {
				t.Errorf("the label and the manifest differ (-label +manifest):\n%s", diff)
			}
		})
	}
}
