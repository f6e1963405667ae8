package hop

import "sync/atomic"

// Holder holds the keys in force, which a renewal replaces. A nil Holder holds none.
type Holder struct{ keys atomic.Pointer[Keys] }

// Hold returns a Holder of keys.
func Hold(keys *Keys) *Holder {
	h := &Holder{}
	h.keys.Store(keys)
	return h
}

// Keys returns those in force; nil for none.
func (h *Holder) Keys() *Keys {
	if h == nil {
		return nil
	}
	return h.keys.Load()
}

// Replace puts others in force.
func (h *Holder) Replace(keys *Keys) { h.keys.Store(keys) }
