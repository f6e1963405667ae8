// Package ledger holds what Lockstep remembers between rounds and restarts,
// and nothing else: who holds which match, what each service last asked for,
// until when a service without instances is kept, whom a command drains,
// which gateways are left alone, what services are rolled back to, at
// which port Kong reaches a service through HAProxy, and whether Kong has a
// database. It is an explicit input of desired.Builder and an output of it, and notes
// itself what of it changed; the Store writes just that. Beside it stand what manifests
// last said, the directory's id (instance-id), the key of digests of secrets (seal), and the
// keys by which Kong and HAProxy know each other (kong-haproxy.pem).
//
// In: the changes that a build made. Out: the same Ledger after a restart.
package ledger
