package v1

import (
	"strings"
	"testing"
)

func TestProvable(t *testing.T) {
	for host, want := range map[string]bool{
		"shop.test": true, "SHOP": true, "x-1.test": true, "*.shop.test": true, "shop.*": true, strings.Repeat("a", 64): true,
		"my_shop": false, "a~b": false, "ü.test": false, "10.0.0.5": false, "[::1]": false, "::1": false, strings.Repeat("a", 65): false,
	} {
		if got := Provable(host); got != want {
			t.Errorf("%s: %t, want %t", host, got, want)
		}
	}
}
