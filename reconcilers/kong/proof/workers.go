package proof

import (
	"encoding/json"
	"slices"
	"time"
)

// workers are those of the node that the Admin API is on, and how soon they take up
// what changed, in seconds.
type workers struct {
	Node string `json:"node_id"`
	Pids struct {
		Workers []int `json:"workers"`
	} `json:"pids"`
	Settings struct {
		Workers *float64 `json:"worker_state_update_frequency"`
		Nodes   *float64 `json:"db_update_frequency"`
	} `json:"configuration"`
}

// all reports whether every worker of the node was met. Those of another node are not known.
func (w *workers) all(met map[int]bool) bool {
	return len(w.Pids.Workers) > 0 && !slices.ContainsFunc(w.Pids.Workers, func(pid int) bool { return !met[pid] })
}

// defaultFrequency is Kong's own of both settings, in seconds.
const defaultFrequency = 5.0

// workersOf reads them from Kong's answer about itself; one that says nothing of them is
// no other Kong for that.
func workersOf(about []byte) (w workers) {
	_ = json.Unmarshal(about, &w)
	return w
}

// Learn takes in what Kong says of itself (its answer to GET /), whether it has a database,
// and whether it has the plugin that answers for the proof.
func (v *Verifier) Learn(about []byte, database, answers bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	w := workersOf(about)
	v.kong, v.within, v.settled, v.lacks = w, 0, 0, !answers
	if !database { // its workers take up a push as soon as they can
		return
	}
	v.within = lasting(frequency(w.Settings.Workers))
	// The one proxy may be another node's than the Admin API: then it takes as long as of several.
	v.settled = v.within + lasting(frequency(w.Settings.Nodes))
	v.settled += v.settled / 5
	if len(v.proxies) > 1 {
		v.within += lasting(frequency(w.Settings.Nodes))
	}
}

func lasting(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

func frequency(setting *float64) float64 {
	if setting == nil {
		return defaultFrequency
	}
	return *setting
}
