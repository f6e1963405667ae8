package cmd

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/lockstep/lockstep/reconcilers"
)

// ownerPattern is what an owner may be called: it becomes part of names and
// tags in the gateways.
var ownerPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)

// parseGuard reads --delete-guard: "50%,5", or "off".
func parseGuard(text string) (reconcilers.GuardOptions, error) {
	if text == "off" {
		return reconcilers.GuardOptions{Share: 1, Count: math.MaxInt}, nil
	}
	share, count, ok := strings.Cut(text, ",")
	percent, errShare := strconv.ParseFloat(strings.TrimSuffix(share, "%"), 64)
	number, errCount := strconv.Atoi(count)
	if !ok || errShare != nil || errCount != nil || !strings.HasSuffix(share, "%") ||
		percent <= 0 || percent > 100 || number < 1 {
		return reconcilers.GuardOptions{}, fmt.Errorf("--delete-guard %q is not understood; write share and count like 50%%,5, or off", text)
	}
	return reconcilers.GuardOptions{Share: percent / 100, Count: number}, nil
}
