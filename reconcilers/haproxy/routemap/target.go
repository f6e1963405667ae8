package routemap

// Where routes lead to beside the backends of services. The names begin with their owner's,
// and those of services have no colon.

// Backend returns what HAProxy calls one of our backends.
func Backend(owner, name string) string { return owner + ":" + name }

// Hold answers 503.
func Hold(owner string) string { return owner + "::hold" }

// Gate is the HTTP frontend once more: for the user's frontends, and for a worker that was replaced.
func Gate(owner string) string { return owner + "::gate" }

// TLSGate is the listener that ends TLS, for what is not passed on by name.
func TLSGate(owner string) string { return owner + "::tlsgate" }

// ViaGate is the frontend for Kong once more, for a worker that was replaced.
func ViaGate(owner string) string { return owner + "::viagate" }
