package haproxy

import (
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lockstep/lockstep/reconcilers/haproxy/socket"
)

// TestRequestWaitsForTheSuccessor holds why `retries` is not less: a request
// that finds the only container of a service dead is answered by the next one.
func TestRequestWaitsForTheSuccessor(t *testing.T) {
	b := managed(t)
	dead := endpoint(t, "dead", freeAddress(t))
	b.serve("shop", dead)
	b.sync()
	got := make(chan error, 1)
	go func() {
		status, body, err := b.fetch("shop.test", "/")
		if err == nil && (status != 200 || !strings.HasPrefix(body, "next")) {
			err = fmt.Errorf("%d %q", status, body)
		}
		got <- err
	}()
	b.eventually("HAProxy to try again", func() error {
		s, err := socket.Dial(t.Context(), b.r.o.StatsSocket, time.Second)
		if err != nil {
			return err
		}
		defer s.Close()
		answer, err := s.Ask("show stat")
		if err != nil {
			return err
		}
		rows, err := csv.NewReader(strings.NewReader(answer)).ReadAll()
		if err != nil {
			return err
		}
		column := slices.Index(rows[0], "wretr")
		if !slices.ContainsFunc(rows[1:], func(row []string) bool { return row[1] == "dead" && row[column] != "0" }) {
			return errors.New("it has not tried twice")
		}
		return nil
	})
	b.serve("shop", origin(t, "next"))
	b.sync("shop")
	if err := <-got; err != nil {
		t.Fatal(err)
	}
}
