package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/lockstep/lockstep/controller"
	"github.com/lockstep/lockstep/controller/history"
	"github.com/lockstep/lockstep/controller/status"
)

// ErrUnknown is what errors about what nobody knows are; see Unknown.
var ErrUnknown = errors.New("unknown")

// Unknown makes an error say that its subject is not known: it is ErrUnknown, and
// reads as before.
func Unknown(err error) error { return unknown{err} }

type unknown struct{ error }

func (u unknown) Is(target error) bool { return target == ErrUnknown }
func (u unknown) Unwrap() error        { return u.error }

// Readers are what the handlers ask.
type Readers struct {
	// Ready reports whether every source is loaded and every gateway is up to
	// date, and if not, why.
	Ready  func() (ready bool, why string)
	Status func() status.Report
	// Await returns when the status has another revision, or when ctx ends.
	Await   func(ctx context.Context, revision uint64)
	Explain func(ctx context.Context, ref string) (status.Explanation, error)
	Plan    func(ctx context.Context) ([]GatewayPlan, error)
	// History returns generations, newest first. The error is ErrUnknown for one that is
	// not kept.
	History func(HistoryQuery) ([]history.Generation, error)
	Metrics http.Handler
}

// New returns the read-only handler. It answers GET and HEAD, nothing else.
func New(r Readers) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		text(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ready, why := r.Ready(); !ready {
			text(w, http.StatusServiceUnavailable, "not ready: "+why)
			return
		}
		text(w, http.StatusOK, "ready")
	})
	mux.Handle("GET /metrics", r.Metrics)
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, req *http.Request) {
		if err := r.await(req); err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		answer(w, http.StatusOK, r.Status())
	})
	mux.HandleFunc("GET /plan", func(w http.ResponseWriter, req *http.Request) {
		plans, err := r.Plan(req.Context())
		if err != nil {
			refuse(w, http.StatusServiceUnavailable, err)
			return
		}
		answer(w, http.StatusOK, plans)
	})
	mux.HandleFunc("GET /history", r.history)
	mux.HandleFunc("GET /explain", func(w http.ResponseWriter, req *http.Request) {
		ref := req.URL.Query().Get("subject")
		if ref == "" {
			refuse(w, http.StatusBadRequest, errors.New("the query lacks subject, the name of a container or service"))
			return
		}
		if err := r.await(req); err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		explanation, err := r.Explain(req.Context(), ref)
		switch {
		case errors.Is(err, status.ErrAddress):
			refuse(w, http.StatusBadRequest, err)
		case errors.Is(err, ErrUnknown):
			refuse(w, http.StatusNotFound, err)
		case err != nil:
			refuse(w, http.StatusServiceUnavailable, err)
		default:
			answer(w, http.StatusOK, explanation)
		}
	})
	return mux
}

// longest is how long a question that waits for a change goes unanswered.
const longest = 30 * time.Second

// await waits, when the query has after, until the status is no longer of that
// revision, or for as long as within says.
func (r *Readers) await(req *http.Request) error {
	query := req.URL.Query()
	if !query.Has("after") {
		return nil
	}
	revision, err := strconv.ParseUint(query.Get("after"), 10, 64)
	if err != nil {
		return fmt.Errorf("after is %q, no revision; take that of an earlier answer", query.Get("after"))
	}
	within := longest
	if query.Has("within") {
		if within, err = time.ParseDuration(query.Get("within")); err != nil || within < 0 || within > longest {
			return fmt.Errorf("within is %q, no time up to %s", query.Get("within"), longest)
		}
	}
	ctx, cancel := context.WithTimeout(req.Context(), within)
	defer cancel()
	r.Await(ctx, revision)
	return nil
}

// Actions are what the control handler may do.
type Actions struct {
	// Confirm lets go what the guards hold.
	Confirm func()
	// Repair has what others changed at the gateways put back that was only reported.
	Repair func()
	// Drain takes a container out of service, or puts it back. The error is
	// ErrUnknown for a container that does not count.
	Drain func(context.Context, DrainRequest) (controller.Drained, error)
	// Pause leaves gateways alone, or lets them follow again.
	Pause func(context.Context, PauseRequest) ([]controller.Paused, error)
	// Rollback holds services to what was declared at a generation, or lets go of them.
	// The error is ErrUnknown for a generation that is not kept.
	Rollback func(context.Context, RollbackRequest) ([]controller.RolledBack, error)
	// Adopt makes ours what others have in the places of what is desired; Release gives
	// back what is ours. The error is ErrUnknown where a name means nothing.
	Adopt, Release func(context.Context, AdoptRequest) ([]controller.Adopted, error)
	// Prune removes what is ours and what nothing asks for.
	Prune func(context.Context, PruneRequest) ([]Pruned, error)
}

// NewControl returns the handler for commands that change something.
func NewControl(a Actions) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /confirm", func(w http.ResponseWriter, _ *http.Request) {
		a.Confirm()
		answer(w, http.StatusAccepted, map[string]string{"result": "confirmed"})
	})
	mux.HandleFunc("POST /repair", func(w http.ResponseWriter, _ *http.Request) {
		a.Repair()
		answer(w, http.StatusAccepted, map[string]string{"result": "repairing"})
	})
	mux.HandleFunc("POST /drain", order((*DrainRequest).check, a.Drain))
	mux.HandleFunc("POST /pause", order((*PauseRequest).check, a.Pause))
	mux.HandleFunc("POST /rollback", order((*RollbackRequest).check, a.Rollback))
	mux.HandleFunc("POST /adopt", order((*AdoptRequest).check, a.Adopt))
	mux.HandleFunc("POST /release", order((*AdoptRequest).checkRelease, a.Release))
	mux.HandleFunc("POST /prune", order((*PruneRequest).check, a.Prune))
	return mux
}

// Failure is the body of every answer that is no success.
type Failure struct {
	Error string `json:"error"`
}

func answer(w http.ResponseWriter, code int, body any) {
	encoded, err := json.Marshal(body)
	if err != nil {
		http.Error(w, fmt.Sprintf("encode answer: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	write(w, append(encoded, '\n'))
}

func refuse(w http.ResponseWriter, code int, err error) {
	answer(w, code, Failure{Error: err.Error()})
}

func text(w http.ResponseWriter, code int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	write(w, []byte(line+"\n"))
}

// write sends a body; a client that went away is no concern of ours.
func write(w http.ResponseWriter, body []byte) {
	if _, err := w.Write(body); err != nil {
		return
	}
}
