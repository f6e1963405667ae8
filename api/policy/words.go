package policy

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/ext"
)

// Word is one variable that rules may use.
type Word struct {
	Name    string
	Type    string // as CEL writes it
	OfRoute bool   // it differs from route to route
	Meaning string

	celType *cel.Type
}

var (
	texts  = cel.ListType(cel.StringType)
	byText = cel.MapType(cel.StringType, cel.StringType)
)

// words are all variables, in the order of the page that lists them. Never changed.
var words = []Word{
	{Name: "source", celType: cel.StringType, Meaning: `"labels" or "manifest": where the claim stands`},
	{Name: "container", celType: cel.StringType, Meaning: `the container's name; "" for a manifest`},
	{Name: "labels", celType: byText, Meaning: "all labels of the container; none for a manifest"},
	{Name: "project", celType: cel.StringType, Meaning: `the Compose project; "" for none`},
	{Name: "stack", celType: cel.StringType, Meaning: `the Swarm stack; "" for none`},
	{Name: "service", celType: cel.StringType, Meaning: `the service's key, as "shop.web"`},
	{Name: "protocol", celType: cel.StringType, Meaning: `what instances speak: "http", "https", "grpc", "grpcs", "tcp" or "tls_passthrough"`},
	{Name: "gateways", celType: texts, Meaning: `the ways in, as ["kong", "haproxy"] or ["kong>haproxy"]; of a service that names none, those by default`},
	{Name: "port", celType: cel.IntType, Meaning: "the container's port; 0 when no label names it"},
	{Name: "route", OfRoute: true, celType: cel.StringType, Meaning: `the route's name, as "default"`},
	{Name: "hosts", OfRoute: true, celType: texts, Meaning: `the hosts, or the names of TLS that is passed on; [] means any host, [""] is a TCP port, which has none`},
	{Name: "paths", OfRoute: true, celType: texts, Meaning: `the paths; none means any path`},
	{Name: "methods", OfRoute: true, celType: texts, Meaning: "the methods; none means any"},
	{Name: "protocols", OfRoute: true, celType: texts, Meaning: `by which clients may come; none means "http" and "https"`},
	{Name: "listen", OfRoute: true, celType: cel.ListType(cel.IntType), Meaning: "the ports of a TCP service"},
	{Name: "snis", OfRoute: true, celType: texts, Meaning: "the names of a service whose TLS is passed on"},
	{Name: "priority", OfRoute: true, celType: cel.IntType, Meaning: "the priority among routes of one match"},
	{Name: "plugins", OfRoute: true, celType: texts, Meaning: "the plugins that hold for the route, its service's too; not those that are off or may be left out"},
}

// Words returns the variables that rules may use.
func Words() []Word {
	out := slices.Clone(words)
	for i := range out {
		out[i].Type = out[i].celType.String()
	}
	return out
}

// wordNames returns their names.
func wordNames() []string {
	names := make([]string, len(words))
	for i := range words {
		names[i] = words[i].Name
	}
	return names
}

// The bounds of one rule.
const (
	maxText  = 4096    // characters
	maxNodes = 100     // of expressions within each other
	maxCost  = 100_000 // CEL's own units; a rule over a handful of hosts costs some dozen
)

// environment is what all rules are compiled in.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	options := []cel.EnvOption{
		cel.ParserExpressionSizeLimit(maxText), cel.ParserRecursionLimit(maxNodes),
		ext.Strings(ext.StringsVersion(5)), ext.Sets(), // the first version of which each call counts towards the cost
		cel.Function("overlap", cel.MemberOverload("hosts_overlap_host", []*cel.Type{texts, cel.StringType}, cel.BoolType, cel.BinaryBinding(overlap))),
	}
	for _, w := range words {
		options = append(options, cel.Variable(w.Name, w.celType))
	}
	return cel.NewEnv(options...)
})

// overlap is hosts.overlap("*.example.com"): whether a request for a host of that
// pattern could be one of the hosts'. No hosts at all are every host.
func overlap(hosts, pattern ref.Val) ref.Val {
	list, isList := hosts.(traits.Lister)
	text, isText := pattern.Value().(string)
	if !isList || !isText {
		return types.MaybeNoSuchOverloadErr(hosts)
	}
	text = strings.ToLower(text)
	empty := types.Bool(true)
	for at := list.Iterator(); at.HasNext() == types.True; empty = false {
		host, ok := at.Next().Value().(string)
		if !ok {
			return types.MaybeNoSuchOverloadErr(hosts)
		}
		if meet(strings.ToLower(host), text) {
			return types.True
		}
	}
	return empty
}

// meet reports whether one host could be meant by both patterns: exact names,
// "*.example.com" or "example.*".
func meet(a, b string) bool {
	aEnd, aOpen := strings.CutPrefix(a, "*")
	bEnd, bOpen := strings.CutPrefix(b, "*")
	if aOpen && bOpen {
		return strings.HasSuffix(aEnd, bEnd) || strings.HasSuffix(bEnd, aEnd)
	}
	aStart, aWide := strings.CutSuffix(a, "*")
	bStart, bWide := strings.CutSuffix(b, "*")
	switch {
	case aWide && bWide:
		return strings.HasPrefix(aStart, bStart) || strings.HasPrefix(bStart, aStart)
	case aOpen && bWide, aWide && bOpen:
		return true // example.* and *.com: example.com, or example.a.com
	case aOpen:
		return len(b) > len(aEnd) && strings.HasSuffix(b, aEnd)
	case bOpen:
		return len(a) > len(bEnd) && strings.HasSuffix(a, bEnd)
	case aWide:
		return len(b) > len(aStart) && strings.HasPrefix(b, aStart)
	case bWide:
		return len(a) > len(bStart) && strings.HasPrefix(a, bStart)
	}
	return cmp.Compare(a, b) == 0
}
