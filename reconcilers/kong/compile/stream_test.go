package compile

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
)

func TestParseStreams(t *testing.T) {
	for text, want := range map[string][]Stream{
		`[{"ip":"0.0.0.0","port":5672,"ssl":false,"udp":false,"listener":"0.0.0.0:5672"},{"port":9443,"ssl":true},{"port":53,"udp":true}]`: {{Port: 5672}, {Port: 9443, TLS: true}},
		`[]`: {}, `{}`: nil, ``: nil, `"off"`: nil, `[{"port":"x"}]`: nil, `[{"port":-1}]`: {},
	} {
		if diff := cmp.Diff(want, Streams([]byte(text))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	if idle := milliseconds(v1.DefaultTunnelTimeout); *idle != int(time.Hour.Milliseconds()) {
		t.Errorf("connections may be idle for %d ms", *idle)
	}
}
