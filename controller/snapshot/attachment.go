package snapshot

import v1 "github.com/lockstep/lockstep/api/v1"

// Attachments says for each configured gateway how it reaches instances.
type Attachments map[v1.Gateway]Attachment

// Attachment is how one gateway reaches instances: over the networks that it
// shares with them, or over ports that they publish.
type Attachment struct {
	// Networks are network names in order of preference.
	Networks []string
	// OnHost is set when the gateway runs on the Docker host itself: it then
	// reaches every bridge network, and host-network instances on 127.0.0.1.
	OnHost bool
	// Why says in a few words how this is known: "--kong-network", "runs in container kong-1".
	Why string
}
