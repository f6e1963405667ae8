package ledger

// change is what of a Ledger changed, as a line of its journal says it: each entry in
// full, or null where it is gone.
type change struct {
	Claims   map[string]*string  `json:"claims,omitempty"`
	Services map[string]*Service `json:"services,omitempty"`
	Drains   map[string]*Drain   `json:"drains,omitempty"`
	Ports    map[string]*Port    `json:"ports,omitempty"`
	Pauses   map[string]*Pause   `json:"pauses,omitempty"`
	Pins     map[string]*Pin     `json:"pins,omitempty"`
	KongMode *KongMode           `json:"kong_mode,omitempty"`
}

// change returns what changed since l was saved.
func (l *Ledger) change() change {
	return change{
		Claims: l.Claims.Changes(), Services: l.Services.Changes(), Drains: l.Drains.Changes(), Ports: l.Ports.Changes(),
		Pauses: l.Pauses.Changes(), Pins: l.Pins.Changes(), KongMode: l.KongMode.Change(),
	}
}

// apply does such a change.
func (l *Ledger) apply(c change) {
	l.Claims.Apply(c.Claims)
	l.Services.Apply(c.Services)
	l.Drains.Apply(c.Drains)
	l.Ports.Apply(c.Ports)
	l.Pauses.Apply(c.Pauses)
	l.Pins.Apply(c.Pins)
	l.KongMode.Apply(c.KongMode)
}

// Changed reports whether there is something to save.
func (l *Ledger) Changed() bool {
	return l.Claims.Changed() || l.Services.Changed() || l.Drains.Changed() || l.Ports.Changed() ||
		l.Pauses.Changed() || l.Pins.Changed() || l.KongMode.Changed()
}

// Saved notes that everything is saved.
func (l *Ledger) Saved() {
	l.Claims.Saved()
	l.Services.Saved()
	l.Drains.Saved()
	l.Ports.Saved()
	l.Pauses.Saved()
	l.Pins.Saved()
	l.KongMode.Saved()
}
