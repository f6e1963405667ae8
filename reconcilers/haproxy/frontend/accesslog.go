package frontend

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

// Stdout is HAProxy's standard output as the target of the access log.
const Stdout = "stdout"

// logLine bounds a line: of its texts the path, at most 2,048 bytes of which each may
// become six, is the longest.
const logLine = 32 << 10

// logFormat is one JSON object. What a stranger may have written goes through
// json(), so that nobody can forge a line or a field; the rest are numbers and
// words of HAProxy's and ours.
const logFormat = `{"time":%Ts.%ms,"client":"%[src]",PROOF"method":"%[var(txn.lm),json(utf8s)]","host":"%[var(txn.h),json(utf8s)]",` +
	`"path":"%[var(txn.lp),json(utf8s)]",QUERY"status":%ST,"bytes":%B,"bytes_received":%U,` +
	`"service":"%[var(txn.ls)]","route":"%[var(txn.m),field(5,|)]","server":"%[srv_name]","retries":"%rc",` +
	`"ms_request":%TR,"ms_queue":%Tw,"ms_connect":%Tc,"ms_response":%Tr,"ms_total":%Ta,` +
	`"ended":"%ts","request_id":"%[var(txn.id),json(utf8s)]"}`

// streamFormat is the same for a connection that was passed on, when it has ended. TAKEN is
// by what it came here.
const streamFormat = `{"time":%Ts.%ms,"client":"%[src]",TAKEN,"bytes":%B,"bytes_received":%U,` +
	`"service":"%[var(txn.ls)]","route":"%[var(txn.lr)]","server":"%[srv_name]","retries":"%rc",` +
	`"ms_queue":%Tw,"ms_connect":%Tc,"ms_total":%Tt,"ended":"%ts"}`

// logTarget says where the log goes. Entries alone, at the level emerg: HAProxy has other
// things to say in its own words, as that a proxy stopped at a reload, and none of
// them at this level.
func (o *Options) logTarget() string {
	format := "rfc5424"
	switch {
	case o.AccessLog == Stdout:
		format = "raw"
	case filepath.IsAbs(o.AccessLog):
		format = "local"
	}
	return fmt.Sprintf("log %s len %d format %s local0 emerg info", o.AccessLog, logLine, format)
}

// renderStreamLog is renderLog for connections; found is the map's value for one,
// condition says for which to log.
func renderStreamLog(line func(string, ...any), o Options, taken, found, condition string) {
	if o.AccessLog == "" {
		return
	}
	line("%s", o.logTarget())
	line("tcp-request content set-log-level emerg%s", condition)
	line("tcp-request content set-var(txn.lr) %s,field(5,|)", found)
	line("tcp-request content set-var(txn.ls) var(txn.lr),regsub([.][^.]*$,)")
	line("log-format '%s'", strings.Replace(streamFormat, "TAKEN", taken, 1))
}

// renderLog writes what the access log needs; nothing without one. A worker that
// was replaced passes requests on and says nothing of them: who gets them does.
func renderLog(line func(string, ...any), o Options) {
	if o.AccessLog == "" {
		return
	}
	query, proof := "", ""
	line("%s", o.logTarget())
	line("http-request set-log-level emerg if !%s", routemap.IfReplaced)
	line("http-request set-log-level silent if %s", routemap.IfReplaced)
	line("http-request set-var(txn.lm) method")
	line("http-request set-var(txn.lp) path,bytes(0,2048)")
	if o.AccessLogQuery {
		query = `"query":"%[var(txn.lq),json(utf8s)]",`
		line("http-request set-var(txn.lq) query,bytes(0,2048)")
	}
	// Only who is trusted may give a request its id.
	line("http-request set-var(txn.id) req.hdr(x-request-id),bytes(0,128) if %s", trusted)
	line("http-request set-var(txn.id) uuid if !{ var(txn.id) -m found } !%s", routemap.IfReplaced)
	line("http-request set-header X-Request-Id %%[var(txn.id)] if !%s", routemap.IfReplaced)
	if o.ClientCA != "" {
		proof = `"certificate":"%[var(txn.cn),json(utf8s)]",`
	}
	line("log-format '%s'", strings.NewReplacer("QUERY", query, "PROOF", proof).Replace(logFormat))
}

// renderNames makes the service's own name known to the log: in HAProxy a prepared
// backend may stand for it. A route's name is its service's and one part more.
func renderNames(line func(string, ...any), o Options) {
	if o.AccessLog != "" {
		line("http-request set-var(txn.ls) var(txn.m),field(5,|),regsub([.][^.]*$,)")
	}
}
