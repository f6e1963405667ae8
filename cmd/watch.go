package cmd

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/lockstep/lockstep/controller/status"
)

// watchRest is the least time between two reports: eyes follow no faster.
const watchRest = 200 * time.Millisecond

// watch shows every report that differs from the one before, until ctx ends, which
// is no error, or the daemon does not answer.
func (r *reach) watch(ctx context.Context, show func(status.Report) error) error {
	query := url.Values{}
	for revision := uint64(0); ; {
		var report status.Report
		if err := r.get(ctx, "/status", query, &report); err != nil {
			if errors.Is(ctx.Err(), context.Canceled) {
				return nil
			}
			return err
		}
		if report.Revision != revision {
			if err := show(report); err != nil {
				return err
			}
		}
		revision = report.Revision
		query.Set("after", strconv.FormatUint(revision, 10))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchRest):
		}
	}
}
