package journal

// Value is one value that notes that it was set, as Map does of its entries.
type Value[V comparable] struct {
	value V
	noted bool
}

// Get returns it.
func (v *Value[V]) Get() V { return v.value }

// Set changes it.
func (v *Value[V]) Set(value V) {
	v.noted = v.noted || v.value != value
	v.value = value
}

// Changed reports whether it changed since Saved.
func (v *Value[V]) Changed() bool { return v.noted }

// Change returns the value when it changed since Saved, else nil.
func (v *Value[V]) Change() *V {
	if !v.noted {
		return nil
	}
	value := v.value
	return &value
}

// Saved forgets that it changed, for it is written.
func (v *Value[V]) Saved() { v.noted = false }

// Apply does a Change once more, of which nothing is noted; nil is none.
func (v *Value[V]) Apply(change *V) {
	if change != nil {
		v.value = *change
	}
}

// Clone returns a copy, of which nothing is noted.
func (v *Value[V]) Clone() Value[V] { return Value[V]{value: v.value} }
