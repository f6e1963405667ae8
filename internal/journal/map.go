package journal

import (
	"iter"
	"maps"
)

// Map is a map that notes which of its entries were set or deleted, so that none can be
// left out of what is written. The zero value is an empty one; it is owned by one goroutine,
// and values that were set are not changed any more.
type Map[V any] struct {
	entries map[string]V
	noted   map[string]bool
}

// MapOf returns a map with these entries, which it takes over, and of which nothing is noted.
func MapOf[V any](entries map[string]V) Map[V] { return Map[V]{entries: entries} }

// Get returns the value of a key; the zero value when it has none.
func (m *Map[V]) Get(key string) V { return m.entries[key] }

// Lookup returns the value of a key, and whether it has one.
func (m *Map[V]) Lookup(key string) (V, bool) {
	value, has := m.entries[key]
	return value, has
}

// Len returns the number of entries.
func (m *Map[V]) Len() int { return len(m.entries) }

// All returns the entries, in no order. Deleting on the way is fine.
func (m *Map[V]) All() iter.Seq2[string, V] { return maps.All(m.entries) }

// Keys returns the keys, in no order. Deleting on the way is fine.
func (m *Map[V]) Keys() iter.Seq[string] { return maps.Keys(m.entries) }

// Set gives a key a value.
func (m *Map[V]) Set(key string, value V) {
	if m.entries == nil {
		m.entries = map[string]V{}
	}
	m.entries[key] = value
	m.note(key)
}

// Delete removes a key.
func (m *Map[V]) Delete(key string) {
	if _, has := m.entries[key]; has {
		delete(m.entries, key)
		m.note(key)
	}
}

func (m *Map[V]) note(key string) {
	if m.noted == nil {
		m.noted = map[string]bool{}
	}
	m.noted[key] = true
}

// Changed reports whether anything was set or deleted since Saved.
func (m *Map[V]) Changed() bool { return len(m.noted) > 0 }

// Changes returns what was set and deleted since Saved, the latter as nil.
func (m *Map[V]) Changes() map[string]*V {
	changes := make(map[string]*V, len(m.noted))
	for key := range m.noted {
		changes[key] = nil
		if value, has := m.entries[key]; has {
			changes[key] = &value
		}
	}
	return changes
}

// Saved forgets what was set and deleted, for it is written.
func (m *Map[V]) Saved() { m.noted = nil } // and not cleared: one that was large once is slow to walk through

// Apply does Changes once more, of which nothing is noted.
func (m *Map[V]) Apply(changes map[string]*V) {
	if m.entries == nil {
		m.entries = make(map[string]V, len(changes))
	}
	for key, value := range changes {
		if value == nil {
			delete(m.entries, key)
		} else {
			m.entries[key] = *value
		}
	}
}

// Clone returns a copy of the entries, of which nothing is noted.
func (m *Map[V]) Clone() Map[V] { return Map[V]{entries: maps.Clone(m.entries)} }
