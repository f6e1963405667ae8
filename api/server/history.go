package server

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// HistoryQuery is what GET /history is asked: one generation, or the newest ones.
type HistoryQuery struct {
	// Generation, when not 0, is the one that is meant.
	Generation uint64
	// Service, when not "", is the one whose changes are meant.
	Service string
	// Limit is how many generations are wanted at most.
	Limit int
}

// usualLimit is how many generations an answer has where nobody says it.
const usualLimit = 50

// MaxHistory is how many generations an answer has at most.
const MaxHistory = 1000

// parseHistory reads the query: generation, or service and limit.
func parseHistory(req *http.Request) (HistoryQuery, error) {
	values := req.URL.Query()
	query := HistoryQuery{Service: values.Get("service"), Limit: usualLimit}
	var err error
	if text := values.Get("generation"); text != "" {
		if query.Generation, err = strconv.ParseUint(text, 10, 64); err != nil || query.Generation == 0 {
			return query, fmt.Errorf("generation is %q, no number from 1", text)
		}
	}
	if text := values.Get("limit"); text != "" {
		if query.Limit, err = strconv.Atoi(text); err != nil || query.Limit < 1 || query.Limit > MaxHistory {
			return query, fmt.Errorf("limit is %q, no number from 1 to %d", text, MaxHistory)
		}
	}
	return query, nil
}

// history answers GET /history.
func (r *Readers) history(w http.ResponseWriter, req *http.Request) {
	query, err := parseHistory(req)
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	generations, err := r.History(query)
	switch {
	case errors.Is(err, ErrUnknown):
		refuse(w, http.StatusNotFound, err)
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, err)
	default:
		answer(w, http.StatusOK, generations)
	}
}
