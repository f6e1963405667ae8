package kong

import (
	"testing"

	"github.com/lockstep/lockstep/internal/fakekong"
	"github.com/lockstep/lockstep/reconcilers/reconcilertest"
)

func TestConformanceWithDatabase(t *testing.T) {
	t.Parallel()
	reconcilertest.Run(t, harness(fakekong.Database))
}

func TestConformanceWithoutDatabase(t *testing.T) {
	t.Parallel()
	h := harness(fakekong.DBLess)
	h.Seeds = []uint64{1, 2} // each event pushes everything
	reconcilertest.Run(t, h)
}
