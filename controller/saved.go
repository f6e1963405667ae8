package controller

import "reflect"

// saved is what was last saved of a memory that is saved as a whole where it changed.
type saved[M any] struct {
	memory  M
	failing bool // since then saving failed: what stands there nobody knows
}

// keep saves a memory where it is another than was last saved, or where saving failed, and
// reports whether it did. The error says why it could not, once until it can.
func (s *saved[M]) keep(memory M, save func(M) error) (kept bool, err error) {
	if !s.failing && reflect.DeepEqual(memory, s.memory) {
		return false, nil
	}
	if err := save(memory); err != nil {
		if s.failing {
			err = nil
		}
		s.failing = true
		return false, err
	}
	s.memory, s.failing = memory, false
	return true, nil
}
