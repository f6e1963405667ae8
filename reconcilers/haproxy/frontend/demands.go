package frontend

// demanding says that the route asks for something about TLS.
const demanding = "!{ var(txn.f) -m str 0 }"

// renderDemands answers requests that came without TLS and must not, as Kong
// does, and notes what the answer is to say. What came through the gate has its
// header from there: no client's reaches us by it.
func renderDemands(line func(string, ...any), o Options) {
	line("http-request set-var(txn.f) var(txn.m),field(2,|)")
	line("http-request set-var(txn.g) str(1) if %s { ssl_fc } or %s %s { req.hdr(X-Forwarded-Proto) https }", demanding, demanding, byGate)
	if len(o.TrustedProxies) > 0 {
		line("http-request set-var(txn.g) str(1) if %s { var(%s) -m bool } { req.hdr(X-Forwarded-Proto) https }", demanding, keptHeaders["X-Forwarded-Proto"])
	}
	const plain = demanding + " !{ var(txn.g) -m found }"
	for _, code := range []int{301, 302, 307, 308} {
		line("http-request redirect location https://%%[var(txn.h)]%%[pathq] code %d if %s { var(txn.f),field(1,.) -m int %d }", code, plain, code)
	}
	line(`http-request return status 426 content-type text/plain string "use https\n" hdr Upgrade "TLS/1.2, HTTP/1.1" if %s { var(txn.f),field(1,.) -m int 426 }`, plain)
	renderProof(line, o)
	line("http-request set-var(txn.f) var(txn.f),field(2,.)")
	line("http-response set-header Strict-Transport-Security max-age=%%[var(txn.f)] if { var(txn.g) -m found } { var(txn.f) -m int gt 0 }")
}
