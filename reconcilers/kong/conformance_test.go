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
	reconcilertest.Run(t, harness(fakekong.DBLess))
}
