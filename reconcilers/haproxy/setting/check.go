package setting

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
)

// Check is how HAProxy finds out whether a server is well; the zero value is
// none. Durations are in milliseconds.
type Check struct {
	Kind     string `json:"kind,omitempty"` // one of v1's words for it
	Path     string `json:"path,omitempty"`
	Host     string `json:"host,omitempty"`
	Status   string `json:"status,omitempty"` // as HAProxy has it: 200-299,404
	TLS      bool   `json:"tls,omitempty"`    // asks over TLS, whoever answers
	Send     string `json:"send,omitempty"`   // hexadecimal
	Expect   string `json:"expect,omitempty"` // likewise
	Interval int    `json:"interval,omitempty"`
	Timeout  int    `json:"timeout,omitempty"`
	Rise     int    `json:"rise,omitempty"`
	Fall     int    `json:"fall,omitempty"`
	// Passive failures in a row of what clients ask for take a server down; 0 for none.
	Passive int `json:"passive,omitempty"`
}

func checkOf(h v1.HealthCheck) Check {
	if h.Check == "" {
		return Check{}
	}
	c := Check{
		Kind: h.Check, Interval: milliseconds(h.CheckInterval, 2_000), Timeout: milliseconds(h.CheckTimeout, 1_000),
		Rise: cmp.Or(h.CheckRise, 2), Fall: cmp.Or(h.CheckFall, 3), Passive: h.CheckPassive,
	}
	if h.Check == v1.CheckHTTP {
		c.Path, c.Host, c.Status = cmp.Or(h.CheckPath, "/"), cmp.Or(h.CheckHost, AnyHost), strings.Join(h.GoodStatuses(), ",")
	}
	if h.Check == v1.CheckTCP && h.CheckExpect != "" {
		c.Send, c.Expect = payload(h.CheckSend), payload(h.CheckExpect)
	}
	return c
}

// payload returns the bytes of a text as hexadecimal digits, so that none of its
// characters reaches a file; what is none as one that is refused.
func payload(text string) string {
	bytes, ok := v1.Payload(text)
	if !ok && text != "" {
		return "no text: " + text
	}
	return hex.EncodeToString(bytes)
}

// AnyHost is the Host of a check that names none; no name for TLS.
const AnyHost = "localhost"

// longestPayload is that of v1.Payload in digits.
const longestPayload = 256

// products are the lines that ask a product's server whether it is ready.
var products = map[string]string{
	v1.CheckRedis:    "option redis-check",
	v1.CheckPostgres: "option pgsql-check user postgres", // nobody logs in: that a password is asked for suffices
	v1.CheckSMTP:     "option smtpchk",
}

// validate is the door for what stands in a check as text.
func (c Check) validate() error {
	if c.TLS && c.Kind != v1.CheckHTTP { // its Host is not looked at below
		return fmt.Errorf("HAProxy has no check %q over TLS", c.Kind)
	}
	switch c.Kind {
	case "", v1.CheckRedis, v1.CheckPostgres, v1.CheckSMTP:
		return nil
	case v1.CheckTCP:
		for _, digits := range []string{c.Send, c.Expect} {
			if _, err := hex.DecodeString(digits); err != nil || len(digits) > longestPayload {
				return fmt.Errorf("%.40q is nothing that a check can say or expect", digits)
			}
		}
		return nil
	case v1.CheckHTTP:
	default:
		return fmt.Errorf("HAProxy has no check %q", c.Kind)
	}
	for status := range strings.SplitSeq(c.Status, ",") {
		if _, _, ok := v1.StatusRange(status); !ok || strings.Trim(status, "0123456789-") != "" {
			return fmt.Errorf("%q is no HTTP status", status)
		}
	}
	if err := charset.Target.Check(c.Path); err != nil {
		return err
	}
	return charset.CheckHost.Check(c.Host)
}

// lines returns the lines of the backend's section.
func (c Check) lines() []string {
	if c.Kind == "" {
		return nil
	}
	lines := []string{fmt.Sprintf("timeout check %dms", c.Timeout)}
	if c.Kind == v1.CheckHTTP {
		lines = append(lines, "option httpchk", // it asks for OPTIONS, unless the next line says otherwise
			fmt.Sprintf("http-check send meth GET uri %s ver HTTP/1.1 hdr Host %s", c.Path, c.Host),
			"http-check expect status "+c.Status)
	}
	if product := products[c.Kind]; product != "" {
		lines = append(lines, product)
	}
	if c.Expect == "" {
		return lines
	}
	lines = append(lines, "option tcp-check")
	if c.Send != "" {
		lines = append(lines, "tcp-check send-binary "+c.Send)
	}
	lines = append(lines, "tcp-check expect binary "+c.Expect)
	return lines
}

// options returns what each server of a backend of the mode bears, with a space
// before each word.
func (c Check) options(mode string) string {
	if c.Kind == "" {
		return ""
	}
	options := fmt.Sprintf(" check inter %dms rise %d fall %d", c.Interval, c.Rise, c.Fall)
	if c.TLS {
		options += " check-ssl verify none"
	}
	if c.TLS && c.Host != AnyHost {
		options += " check-sni " + c.Host
	}
	if c.Passive == 0 {
		return options
	}
	layer := "layer7" // 5xx but 501 and 505, no answer, or none that can be read
	if mode == ModeTCP {
		layer = "layer4" // a connection that fails
	}
	return options + fmt.Sprintf(" observe %s error-limit %d on-error mark-down", layer, c.Passive)
}

// String returns what people read in a plan.
func (c Check) String() string {
	if c.Kind == "" {
		return v1.CheckNone
	}
	how := c.Kind
	if c.Kind == v1.CheckHTTP {
		how = fmt.Sprintf("GET %s of %s is %s", c.Path, c.Host, c.Status)
	}
	if c.TLS {
		how += " over TLS"
	}
	if c.Expect != "" {
		how = fmt.Sprintf("%s, which says %q after %q", how, unhex(c.Expect), unhex(c.Send))
	}
	span := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	if how = fmt.Sprintf("%s within %s, every %s, rise %d, fall %d", how, span(c.Timeout), span(c.Interval), c.Rise, c.Fall); c.Passive > 0 {
		how += fmt.Sprintf(", passive %d", c.Passive)
	}
	return how
}

func unhex(digits string) string {
	bytes, err := hex.DecodeString(digits)
	if err != nil { // check has let it through
		return digits
	}
	return string(bytes)
}
