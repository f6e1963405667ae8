package object

import v1 "github.com/lockstep/lockstep/api/v1"

// The kinds of objects beside those of manifests (v1.KindListener, v1.KindCertificate, v1.KindSection).
const (
	// KindProcess is that of the one object that is the process itself with its files.
	KindProcess v1.Kind = "haproxy"
	// KindOpening is that of a Listener's addresses; its hosts are a v1.KindListener.
	KindOpening v1.Kind = "bind"
	// KindRoute is that of routes, also of those that take connections, and what Kong sends.
	KindRoute   v1.Kind = "route"
	kindBackend v1.Kind = "backend"
	kindServer  v1.Kind = "server"
)

// The levels, in the order in which things come to be: each stands on those before it.
const (
	// LevelProcess is that of the process itself.
	LevelProcess = iota
	levelCertificate
	levelBackend
	levelServer
	levelRoute
	levelSection
)
