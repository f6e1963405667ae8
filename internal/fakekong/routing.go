package fakekong

import (
	"sync"
	"time"
)

type routing struct {
	delay time.Duration
	mu    sync.Mutex
}

func (r *routing) stop()          {}
func (r *routing) reset(any)      {}
func (r *routing) set(func() any) {}
func (k *Kong) routes() any       { return nil }

type balancers struct{}

func (b *balancers) reset()        {}
func (b *balancers) forget(string) {}
