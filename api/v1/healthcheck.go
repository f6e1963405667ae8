package v1

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// HealthCheck says how a gateway finds out by itself whether an instance is
// well. Docker's HEALTHCHECK holds beside it: only an instance that is good for
// both gets requests. The zero value asks for none.
type HealthCheck struct {
	// Check is "" for none, or one of the words below.
	Check string `json:"check,omitempty"`
	// CheckPath and CheckHost are those of the request; "" for "/" and "localhost".
	CheckPath string `json:"check_path,omitempty"`
	CheckHost string `json:"check_host,omitempty"`
	// CheckStatus are the answers that are good, "200" or "200-399" each; sorted, nil for 200-399.
	CheckStatus []string `json:"check_status,omitempty"`
	// CheckSend is what a TCP check says, and CheckExpect what must be in the answer; ""
	// for nothing. Payload tells the bytes.
	CheckSend   string `json:"check_send,omitempty"`
	CheckExpect string `json:"check_expect,omitempty"`
	// CheckInterval lies between two checks, each of which lasts CheckTimeout at most.
	CheckInterval time.Duration `json:"check_interval,omitempty"`
	CheckTimeout  time.Duration `json:"check_timeout,omitempty"`
	// CheckRise good checks in a row make an instance good, CheckFall bad ones bad.
	CheckRise int `json:"check_rise,omitempty"`
	CheckFall int `json:"check_fall,omitempty"`
	// CheckPassive failures in a row of what clients ask for make an instance bad at
	// once, until Check finds it good; 0 for none. There is none without Check, which
	// alone brings the instance back.
	CheckPassive int `json:"check_passive,omitempty"`
}

// mostPassive is the most that Kong counts to.
const mostPassive = 254

// The words of the field check.
const (
	CheckNone = "none"
	CheckTCP  = "tcp"
	CheckHTTP = "http"
	// These ask a server of the product whether it is ready.
	CheckRedis    = "redis"
	CheckPostgres = "postgres"
	CheckSMTP     = "smtp"
)

// isProductCheck reports whether a check is that of a product.
func isProductCheck(check string) bool {
	return check == CheckRedis || check == CheckPostgres || check == CheckSMTP
}

// unasked reports whether Kong asks nothing by the check of a service. Of requests it
// runs checks over HTTP/1.1 alone, of connections those that connect alone; it takes the
// others too, and never asks (https://github.com/Kong/kong/issues/8872).
func unasked(s *Service) bool {
	if s.Protocol.Stream() {
		return s.Check != CheckTCP
	}
	return s.Check != CheckHTTP || s.Protocol.RPC()
}

// goodStatus is what an HTTP check takes for good unless check_status says otherwise.
const goodStatus = "200-399"

// The least and the greatest status of HTTP.
const (
	leastStatus = 100
	mostStatus  = 599
)

// GoodStatuses returns the ranges of answers that are good, as CheckStatus has them.
func (c HealthCheck) GoodStatuses() []string {
	if len(c.CheckStatus) == 0 {
		return []string{goodStatus}
	}
	return c.CheckStatus
}

// StatusRange takes "200" or "200-399" apart; false when it is neither.
func StatusRange(text string) (from, to int, ok bool) {
	first, last, ranged := strings.Cut(text, "-")
	if !ranged {
		last = first
	}
	from, wrong := strconv.Atoi(first)
	to, wrongToo := strconv.Atoi(last)
	return from, to, wrong == nil && wrongToo == nil && leastStatus <= from && from <= to && to <= mostStatus
}

func checkStatus(text string) (string, *fault) {
	if _, _, ok := StatusRange(text); !ok || strings.Contains(text, "+") {
		return "", &fault{message: fmt.Sprintf("%s is no HTTP status", shown(text)), fix: "write a status, or a range of them: 200 or 200-399"}
	}
	return text, nil
}

// checkKind returns the kind of check in lower case; which there are the row knows.
func checkKind(text string) (string, *fault) { return strings.ToLower(text), nil }

// checkTarget takes the path of a check: where a request goes, with its query.
func checkTarget(path string) (string, *fault) {
	if wrong := targetChars.refuse("path", path); wrong != nil {
		return "", wrong
	}
	switch {
	case path[0] != '/':
		return "", &fault{message: fmt.Sprintf("path %s does not begin with /", shown(path)), fix: "write it as it stands in a URL, after the host: /healthz"}
	case strings.Contains(path, "//"):
		return "", &fault{message: fmt.Sprintf("path %s has an empty part", shown(path)), fix: "write one / instead of //"}
	case len(path) > maxTarget:
		return "", &fault{message: fmt.Sprintf("path %s is longer than %d characters", shown(path), maxTarget), fix: "shorten it"}
	}
	return path, nil
}

// maxTarget is the longest path of a check.
const maxTarget = 256

// checkCheckHost takes a host name without a star.
func checkCheckHost(host string) (string, *fault) {
	if strings.Contains(host, "*") {
		return "", &fault{message: fmt.Sprintf("host %s holds a *", shown(host)), fix: "write one name"}
	}
	return checkHost(host)
}

// needsCheck and the like say what a field is of no use without.
func needsCheck(s *Service) string {
	if s.Check == "" {
		return "check=" + CheckHTTP + " or check=" + CheckTCP
	}
	return ""
}

func needsHTTP(s *Service) string {
	if s.Check != CheckHTTP {
		return "check=" + CheckHTTP
	}
	return ""
}

func needsTCP(s *Service) string {
	if s.Check != CheckTCP {
		return "check=" + CheckTCP
	}
	return ""
}

func needsAnswer(s *Service) string {
	if missing := needsTCP(s); missing != "" {
		return missing
	}
	if s.CheckExpect == "" {
		return "check_expect"
	}
	return ""
}

func needsProduct(s *Service) string {
	if isProductCheck(s.Check) && s.Protocol != TCP {
		return "protocol=" + string(TCP)
	}
	return ""
}
