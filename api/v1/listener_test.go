package v1

import "testing"

// TestRestrictions: which Listener has a host, and for which routes' hosts there may be
// requests that only a Listener answers.
func TestRestrictions(t *testing.T) {
	r := RestrictionsOf([]Listener{
		{Name: "inner", Exclusive: true, Hosts: []string{"*.inner.test", "admin.test"}},
		{Name: "root", Exclusive: true, Hosts: []string{"root.inner.test"}},
		{Name: "open", Hosts: []string{"shop.test"}},
	})
	for host, want := range map[string]string{
		"admin.test": "inner", "a.inner.test": "inner", "b.a.inner.test": "inner", "root.inner.test": "root", "a.root.inner.test": "inner",
		"inner.test": "", "xinner.test": "", "shop.test": "", "admin.test.": "",
	} {
		if got := r.Holder(host); got != want {
			t.Errorf("%s is answered at %q alone, want %q", host, got, want)
		}
	}
	for host, want := range map[string]bool{
		"": true, "admin.test": true, "*.test": true, "*.inner.test": true, "*.a.inner.test": true, "admin.*": true, "a.*": true, "c.inner.test": true,
		"shop.test": false, "*.shop.test": false, "inner.test": false, "*.admin.test": false,
	} {
		if _, listener := r.Meeting(host); (listener != "") != want {
			t.Errorf("a route of host %q meets a restricted one: %t, want %t", host, listener != "", want)
		}
	}
	if _, listener := (Restrictions{"admin.test": "inner"}).Meeting("shop.*"); listener != "" {
		t.Errorf("shop.* meets admin.test")
	}
}

// TestBinds: addresses have one form, and those that can't both be had overlap.
func TestBinds(t *testing.T) {
	for text, want := range map[string]string{
		":80": ":80", "*:80": ":80", "127.0.0.1:0080": "127.0.0.1:80", "[::1]:80": "[::1]:80", "[0:0::1]:80": "[::1]:80",
		"80": "", "host:80": "", ":0": "", ":65536": "", "[fe80::1%eth0]:80": "", "": "",
	} {
		got, message, fix := CheckBind(text)
		if got != want || (message == "") != (want != "") || (fix == "") != (want != "") {
			t.Errorf("%q becomes %q (%s; %s), want %q", text, got, message, fix, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{":80", "127.0.0.1:80", true}, {"0.0.0.0:80", "10.0.0.1:80", true}, {"[::]:80", ":80", true}, {"10.0.0.1:80", "10.0.0.1:80", true},
		{"10.0.0.1:80", "10.0.0.2:80", false}, {":80", ":81", false},
	} {
		if got := (Bind{Address: c.a}).Overlaps(Bind{Address: c.b}); got != c.want {
			t.Errorf("%s and %s overlap: %t", c.a, c.b, got)
		}
	}
}
