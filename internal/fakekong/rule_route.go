package fakekong

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strings"

	"github.com/lockstep/lockstep/internal/fakekong/schema"
	"github.com/lockstep/lockstep/reconcilers/routing"
)

func checkRouteHost(v any) string {
	host, port, hasPort := strings.Cut(text(v), ":")
	fine := isHost(strings.Replace(host, "*", "a", 1))
	if hasPort {
		fine = fine && port != "" && strings.Trim(port, "0123456789") == ""
	}
	return unless(fine, "invalid hostname: "+text(v))
}

// checkRoutePath judges a path of a route: a regular expression, or a path in normal form.
func checkRoutePath(v any) string {
	s := text(v)
	if expr, isRegex := strings.CutPrefix(s, "~"); isRegex {
		if _, err := routing.Compile(expr); err != nil {
			return fmt.Sprintf("invalid regex: '%s' (PCRE returned: pcre2_compile() failed: %s in \"%s\")", expr, pcre(err), expr)
		}
		return ""
	}
	if normal := routing.Normalize(s); normal != s {
		return "non-normalized path, consider use '" + normal + "' instead"
	}
	return ""
}

// pcre says what is wrong with an expression in the words of PCRE, as far as we know them.
func pcre(err error) string {
	var e *syntax.Error
	if errors.As(err, &e) && e.Code == syntax.ErrMissingParen {
		return "missing closing parenthesis"
	}
	return err.Error()
}

// checkRoute judges whether the matching fields of a route fit its protocols.
func checkRoute(route map[string]any, v schema.Violations) {
	protocols, isList := route["protocols"].([]any)
	if _, bad := v["protocols"]; bad || !isList {
		return
	}
	has := map[string]bool{}
	for _, p := range protocols {
		has[text(p)] = true
	}
	need, forbid, group := []string{"methods", "hosts", "headers", "paths"}, []string{"sources", "destinations"}, "'http' or 'https'"
	what := "'http'"
	switch {
	case has["tls_passthrough"]:
		need, what = []string{"snis"}, ""
		forbid, group = []string{"methods", "hosts", "headers", "paths"}, "'tcp', 'tls', 'tls_passthrough' or 'udp'"
	case has["tcp"] || has["tls"] || has["udp"]:
		need, what = []string{"sources", "destinations", "snis"}, "'tcp', 'tls' or 'udp'"
		forbid, group = []string{"methods", "hosts", "headers", "paths"}, "'tcp', 'tls', 'tls_passthrough' or 'udp'"
	case has["grpcs"]:
		need, what = []string{"hosts", "headers", "paths", "snis"}, "'grpcs'"
	case has["grpc"]:
		need, what = []string{"hosts", "headers", "paths"}, "'grpc'"
	case has["https"]:
		need, what = append(need, "snis"), "'https'"
	}
	if has["grpc"] || has["grpcs"] {
		forbid, group = []string{"methods", "sources", "destinations", "strip_path"}, "'grpc' or 'grpcs'"
	}
	for _, f := range forbid {
		if set := route[f] != nil && route[f] != false; set && v[f] == nil {
			v.Set(f, "cannot set '"+f+"' when 'protocols' is "+group)
		}
	}
	for _, f := range need {
		if _, bad := v[f]; bad || !hollow(route[f]) {
			return
		}
	}
	if what == "" {
		v.Add("must set snis when 'protocols' is 'tls_passthrough'")
		return
	}
	v.Add("must set one of '" + strings.Join(need, "', '") + "' when 'protocols' is " + what)
}

func hollow(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}
