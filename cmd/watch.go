package cmd

import (
	"context"
	"errors"
	"net/url"
	"reflect"
	"strconv"
	"time"

	"github.com/lockstep/lockstep/controller/status"
)

// watchRest is the least time between two reports: eyes follow no faster.
const watchRest = 200 * time.Millisecond

// watch shows every report that differs from the one before, until ctx ends, which
// is no error, or the daemon does not answer.
func (r *reach) watch(ctx context.Context, show func(status.Report) error) error {
	query, before := url.Values{}, status.Report{}
	for first := true; ; first = false {
		var report status.Report
		if err := r.get(ctx, "/status", query, &report); err != nil {
			if errors.Is(ctx.Err(), context.Canceled) {
				return nil
			}
			return err
		}
		query.Set("after", strconv.FormatUint(report.Revision, 10))
		says := report
		says.Revision = 0 // rounds that change nothing count it up as well
		if first || !reflect.DeepEqual(says, before) {
			if err := show(report); err != nil {
				return err
			}
		}
		before = says
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchRest):
		}
	}
}
