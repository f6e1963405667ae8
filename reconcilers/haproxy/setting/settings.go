package setting

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/digest"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
)

// Settings are what a backend asks for besides its servers: all that HAProxy
// takes over by a reload only. They are compared as a whole, and stand as JSON in
// a comment of our files, from which they are read back: an option needs a
// field here, a line in Lines or ServerOptions, and nothing where files are read.
// Every field is a number, a truth value, or text that package charset has let through,
// both where it is asked for and where it is read back.
type Settings struct {
	// Address makes the server's address the Host (preserve_host false).
	Address bool `json:"address,omitempty"`
	// Mode is that of the backend: "" is HTTP.
	Mode string `json:"mode,omitempty"`
	// Connect and Server are timeouts in milliseconds. Streams have no Server.
	Connect int `json:"connect_timeout"`
	Server  int `json:"server_timeout,omitempty"`
	// Queue is likewise, 0 for that of Connect; Tunnel is that of an upgraded connection.
	Queue  int `json:"queue_timeout,omitempty"`
	Tunnel int `json:"tunnel_timeout"`
	// Retries is how often a request is tried again.
	Retries int `json:"retries"`
	// Balance is v1.Balancing's.
	Balance string `json:"balance,omitempty"`
	// Sticky is the name of the cookie that keeps a client with its server, "" for
	// none; Key goes into the cookie's values, so that they tell no address.
	Sticky string `json:"sticky,omitempty"`
	Key    string `json:"key,omitempty"`
	// SlowStart is in milliseconds; 0 for none.
	SlowStart int   `json:"slowstart,omitempty"`
	Check     Check `json:"check,omitzero"`
	// Proxy is the version of the PROXY header that servers get; "" is none.
	Proxy string `json:"proxy_protocol,omitempty"`
	// Upstream is how servers are spoken to.
	Upstream Upstream `json:"upstream,omitzero"`
}

// Default are those of a service that asks for none, and so of the
// prepared backends.
var Default = Settings{Connect: 5_000, Server: 60_000, Tunnel: 3_600_000, Retries: v1.DefaultRetries}

// Of translates what a service asks for; address says that the server's address is to be
// the Host. Upstream is left to whoever knows the authorities.
func Of(s *v1.Service, address bool) Settings {
	made := Settings{
		Address: address,
		Connect: milliseconds(s.ConnectTimeout, Default.Connect),
		Server:  milliseconds(max(s.ReadTimeout, s.WriteTimeout), Default.Server),
		Queue:   milliseconds(s.QueueTimeout, 0),
		Tunnel:  milliseconds(s.TunnelTimeout, Default.Tunnel),
		Retries: s.Tries(), Balance: s.Balance, Sticky: s.Sticky,
		SlowStart: milliseconds(s.SlowStart, 0),
		Check:     checkOf(s.HealthCheck),
	}
	if s.ProxyProtocol == "v1" || s.ProxyProtocol == "v2" {
		made.Proxy = s.ProxyProtocol
	}
	if s.Protocol.Stream() {
		made.Mode, made.Address, made.Server = ModeTCP, false, 0
		made.Check.TLS = s.Protocol == v1.TLSPassthrough && s.Check == v1.CheckHTTP
	}
	if s.Sticky != "" {
		made.Key = digest.Of("sticky " + s.Name)
	}
	return made
}

// Validate is the door for what is asked for, and for what somebody may have written
// into our files.
func (s Settings) Validate() error {
	for _, n := range []int{s.Connect, s.Server, s.Queue, s.Tunnel, s.Retries, s.SlowStart} {
		if n < 0 || n > math.MaxInt32 {
			return fmt.Errorf("%d is no number of milliseconds or tries that HAProxy takes", n)
		}
	}
	if s.Sticky != "" {
		if err := errors.Join(charset.Token.Check(s.Sticky), charset.Token.Check(s.Key)); err != nil {
			return err
		}
	}
	return errors.Join(checkBalance(v1.Balancing{Balance: s.Balance}), s.Check.validate(), s.Upstream.Validate())
}

// Lines returns the lines of the backend's section, servers aside. What is as in
// our defaults section stands there.
func (s Settings) Lines() []string {
	lines := append(s.balance(),
		fmt.Sprintf("timeout connect %dms", s.Connect),
	)
	add := func(wanted bool, line string) {
		if wanted {
			lines = append(lines, line)
		}
	}
	add(s.Mode != ModeTCP, fmt.Sprintf("timeout server %dms", s.Server))
	add(s.Queue != 0, fmt.Sprintf("timeout queue %dms", s.Queue))
	add(s.Tunnel != Default.Tunnel, fmt.Sprintf("timeout tunnel %dms", s.Tunnel))
	add(s.Retries != Default.Retries, fmt.Sprintf("retries %d", s.Retries))
	add(s.Sticky != "", "cookie "+s.Sticky+" insert indirect nocache httponly dynamic")
	add(s.Sticky != "", "dynamic-cookie-key "+s.Key)
	if s.Address {
		// A HAProxy without the means loads the file nevertheless, and serves none of it.
		lines = append(lines, ".if version_before(3.3)", "http-send-name-header Host",
			".else", "http-request return status 503", ".endif")
	}
	return slices.Concat(lines, s.Check.lines(), s.Upstream.lines())
}

// ServerOptions returns what each `server` line and `add server` command bears
// besides name, address and weight, with a space before each word: HAProxy does
// not apply a section's default-server to servers that come at runtime.
func (s Settings) ServerOptions() string {
	options := s.Check.options(s.Mode)
	if s.SlowStart != 0 {
		options += fmt.Sprintf(" slowstart %dms", s.SlowStart)
	}
	switch s.Proxy {
	case "v1":
		options += " send-proxy"
	case "v2":
		options += " send-proxy-v2"
	}
	return options + s.Upstream.options(s.Check.Kind != "", s.Address)
}

// Fields returns what people read in a plan: all that can differ.
func (s Settings) Fields() map[string]string {
	span := func(n int) string { return (time.Duration(n) * time.Millisecond).String() }
	fields := map[string]string{
		"balance": cmp.Or(s.Balance, v1.RoundRobin), "host": "the client's", "check": s.Check.String(), "sticky": s.Sticky,
		"connect_timeout": span(s.Connect), "server_timeout": span(s.Server), "queue_timeout": span(s.Queue),
		"tunnel_timeout": span(s.Tunnel), "slowstart": span(s.SlowStart), "retries": strconv.Itoa(s.Retries),
	}
	if s.Address {
		fields["host"] = "the server's address"
	}
	if s.Queue == 0 {
		delete(fields, "queue_timeout")
	}
	if s.Mode == ModeTCP {
		fields["mode"] = s.Mode
		delete(fields, "host")
		delete(fields, "server_timeout")
	}
	if s.Upstream != (Upstream{}) {
		fields["upstream"] = s.Upstream.String()
	}
	if s.Proxy != "" {
		fields["proxy_protocol"] = s.Proxy
	}
	return fields
}

// Mark begins the comment that holds the settings; none stands for the
// default ones.
const Mark = "# settings "

// Comment returns the settings as a comment without line break, which JSON
// escapes; "" for the default ones.
func (s Settings) Comment() string {
	if s == Default {
		return ""
	}
	text, err := json.Marshal(s)
	if err != nil { // of numbers, booleans and texts; said in the file rather than lost if it ever happened
		return Mark + err.Error()
	}
	return Mark + string(text)
}

// Parse reads what comment wrote; other lines leave s as it is.
func (s *Settings) Parse(line string) {
	text, ok := strings.CutPrefix(line, Mark)
	if !ok {
		return
	}
	var read Settings
	if json.Unmarshal([]byte(text), &read) == nil && read.Validate() == nil { // else the files differ from what we would write, and are written again
		*s = read
	}
}

// ModeTCP is a backend's mode; "" is HTTP.
const ModeTCP = "tcp"

// DefaultStream are the settings of a stream that asks for none.
var DefaultStream = Settings{
	Mode: ModeTCP, Connect: Default.Connect, Tunnel: Default.Tunnel, Retries: Default.Retries,
}

// milliseconds returns what HAProxy takes: 1 ms to about 24 days.
func milliseconds(d time.Duration, unset int) int {
	if d <= 0 {
		return unset
	}
	return int(min(max((d+time.Millisecond-1).Milliseconds(), 1), math.MaxInt32))
}
