package haproxy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// settings are what a backend asks for besides its servers: all that HAProxy
// takes over by a reload only. They are compared as a whole, and stand as JSON in
// a comment of our files, from which they are read back: an option needs a
// field here, a line in lines or serverOptions, and nothing in parse.go.
// Every field is a number, a truth value, or text that charset.go has let through,
// both where it is asked for and where it is read back.
type settings struct {
	// Address makes the server's address the Host (preserve_host false).
	Address bool `json:"address,omitempty"`
	// Connect and Server are timeouts in milliseconds.
	Connect int `json:"connect_timeout"`
	Server  int `json:"server_timeout"`
	// Balance is v1.Balancing's.
	Balance string `json:"balance,omitempty"`
}

// defaultSettings are those of a service that asks for none, and so of the
// prepared backends.
var defaultSettings = settings{Connect: 5_000, Server: 60_000}

// settingsOf translates what a service asks for.
func settingsOf(s *v1.Service, address bool) settings {
	return settings{
		Address: address,
		Connect: milliseconds(s.ConnectTimeout, defaultSettings.Connect),
		Server:  milliseconds(max(s.ReadTimeout, s.WriteTimeout), defaultSettings.Server),
		Balance: s.Balance,
	}
}

// check is the door for what stands in settings as text.
func (s settings) check() error {
	return checkBalance(v1.Balancing{Balance: s.Balance})
}

// lines returns the lines of the backend's section, servers aside.
func (s settings) lines() []string {
	lines := append(s.balance(),
		fmt.Sprintf("timeout connect %dms", s.Connect),
		fmt.Sprintf("timeout server %dms", s.Server),
	)
	if s.Address {
		// A HAProxy without the means loads the file nevertheless, and serves none of it.
		lines = append(lines, ".if version_before(3.3)", "http-send-name-header Host",
			".else", "http-request return status 503", ".endif")
	}
	return lines
}

// serverOptions returns what each `server` line and `add server` command bears
// besides name, address and weight, with a space before each word: HAProxy does
// not apply a section's default-server to servers that come at runtime.
func (s settings) serverOptions() string { return "" }

// fields returns what people read in a plan.
func (s settings) fields() map[string]string {
	host := "the client's"
	if s.Address {
		host = "the server's address"
	}
	return map[string]string{
		"balance": cmp.Or(s.Balance, v1.RoundRobin), "host": host,
		"connect_timeout": (time.Duration(s.Connect) * time.Millisecond).String(),
		"server_timeout":  (time.Duration(s.Server) * time.Millisecond).String(),
	}
}

// settingsMark begins the comment that holds the settings; none stands for the
// default ones.
const settingsMark = "# settings "

// comment returns the settings as a comment without line break, which JSON
// escapes; "" for the default ones.
func (s settings) comment() string {
	if s == defaultSettings {
		return ""
	}
	text, err := json.Marshal(s)
	if err != nil { // of numbers, booleans and texts; said in the file rather than lost if it ever happened
		return settingsMark + err.Error()
	}
	return settingsMark + string(text)
}

// parse reads what comment wrote; other lines leave s as it is.
func (s *settings) parse(line string) {
	text, ok := strings.CutPrefix(line, settingsMark)
	if !ok {
		return
	}
	var read settings
	if json.Unmarshal([]byte(text), &read) == nil && read.check() == nil { // else the files differ from what we would write, and are written again
		*s = read
	}
}
