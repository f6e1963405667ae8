package harness

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Metrics returns the daemon's metrics: name with labels, as written, to value.
func (w *World) Metrics(ctx context.Context) (map[string]float64, error) {
	resp, err := w.read(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	out := map[string]float64{}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ') // labels may hold spaces
		if at < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if out[line[:at]], err = strconv.ParseFloat(line[at+1:], 64); err != nil {
			return nil, fmt.Errorf("metric %s: %w", line[:at], err)
		}
	}
	return out, lines.Err()
}

// Metric waits until a metric has at least a value, and returns when it had.
func (w *World) Metric(ctx context.Context, name string, least float64) (time.Time, error) {
	err := Until(ctx, func() error {
		metrics, err := w.Metrics(ctx)
		if err == nil && metrics[name] < least {
			err = fmt.Errorf("metric %s is %v, not %v", name, metrics[name], least)
		}
		return err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("%w\n%s", err, w.LogTail())
	}
	return time.Now(), nil
}
