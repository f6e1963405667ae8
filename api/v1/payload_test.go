package v1

import (
	"strings"
	"testing"
)

func TestPayload(t *testing.T) {
	for text, want := range map[string]string{
		`PING\r\n`: "PING\r\n", `AMQP\x00\x00\x09\x01`: "AMQP\x00\x00\t\x01", `a\\\\b\t`: "a\\\\b\t", `\xfF`: "\xff", `\x20`: " ", "+PONG": "+PONG",
		"": "", `\`: "", `a\`: "", `\x`: "", `\x1`: "", `\x+1`: "", `\xg0`: "", `\y`: "", `\u0041`: "", strings.Repeat("a", 129): "",
		strings.Repeat(`\x00`, 128): strings.Repeat("\x00", 128),
	} {
		got, ok := Payload(text)
		if ok != (want != "") || ok && string(got) != want {
			t.Errorf("%q: %q %t, want %q", text, got, ok, want)
		}
	}
}
