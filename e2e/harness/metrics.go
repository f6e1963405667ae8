package harness

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Metrics returns the daemon's metrics: name with labels, as written, to value.
func (w *World) Metrics(ctx context.Context) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.listen+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	out := map[string]float64{}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, text, ok := strings.Cut(lines.Text(), " ")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		if out[name], err = strconv.ParseFloat(text, 64); err != nil {
			return nil, fmt.Errorf("metric %s: %w", name, err)
		}
	}
	return out, lines.Err()
}

// Metric waits until a metric has at least a value, and returns when it had.
func (w *World) Metric(ctx context.Context, name string, least float64) (time.Time, error) {
	_, err := w.MetricPolled(ctx, name, least)
	return time.Now(), err
}

// MetricPolled waits as Metric does, and returns how often it had to ask.
func (w *World) MetricPolled(ctx context.Context, name string, least float64) (asked int, err error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		asked++
		metrics, err := w.Metrics(ctx)
		if err == nil && metrics[name] >= least {
			return asked, nil
		}
		select {
		case <-ctx.Done():
			return asked, fmt.Errorf("metric %s is %v, not %v, after %s (%w)\n%s", name, metrics[name], least, Patience, err, w.LogTail())
		case <-tick.C:
		}
	}
}
