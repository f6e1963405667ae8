package v1

import (
	"slices"
	"testing"
)

// TestOverKeepsWhatIsOptional: whoever says a field says whether it may be left out.
func TestOverKeepsWhatIsOptional(t *testing.T) {
	labels := NewService("a")
	labels.Optional = []string{"balance", "retries"}
	for name, c := range map[string]struct{ fields, optional, want []string }{
		"nothing said":    {nil, nil, []string{"balance", "retries"}},
		"taken back":      {[]string{"balance"}, nil, []string{"retries"}},
		"all taken back":  {[]string{"balance", "retries"}, nil, nil},
		"of the manifest": {[]string{"algorithm", "balance"}, []string{"algorithm"}, []string{"algorithm", "retries"}},
		"said by both":    {[]string{"balance"}, []string{"balance"}, []string{"balance", "retries"}},
	} {
		d := Declared{Service: NewService("a"), Fields: c.fields}
		d.Service.Optional = c.optional
		merged, _ := d.Over(labels)
		if !slices.Equal(merged.Optional, c.want) || (merged.Optional == nil) != (c.want == nil) {
			t.Errorf("%s: %q, want %q", name, merged.Optional, c.want)
		}
	}
	if !slices.Equal(labels.Optional, []string{"balance", "retries"}) {
		t.Errorf("the labels' own were changed: %q", labels.Optional)
	}
}
