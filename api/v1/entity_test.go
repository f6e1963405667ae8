package v1

import "testing"

// TestGrouped: no name that is Lockstep's own affair reaches people.
func TestGrouped(t *testing.T) {
	for name, want := range map[string][2]string{
		"shop.web":             {"shop.web", ""},
		"":                     {"", ""},
		EntityGroup:            {"", "Kong's own words"},
		VerifyGroup:            {"", "verification"},
		"@service/kong:legacy": {"", "service legacy, in Kong's own words"},
		"@route/kong:legacy.x": {"", "route legacy.x, in Kong's own words"},
	} {
		if service, group := Grouped(name); service != want[0] || group != want[1] {
			t.Errorf("%q: %q, %q; want %q", name, service, group, want)
		}
	}
}
