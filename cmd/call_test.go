package cmd

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// TestWhoDoesNotReadHoldsNothing: a call ends though nobody reads its answer, or sends the body
// that it announced.
func TestWhoDoesNotReadHoldsNothing(t *testing.T) {
	for name, head := range map[string]string{
		"the answer is not read": "",
		"the body does not come": "Content-Length: 1000\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			group, ctx := errgroup.WithContext(ctx)
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			closed := make(chan struct{})
			server := newServer(ctx, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if head == "" {
					_, err := w.Write(bytes.Repeat([]byte("x"), 256<<20))
					t.Logf("the answer ends with %v", err)
				}
			}), 100*time.Millisecond)
			server.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateClosed {
					close(closed)
				}
			}
			serve(ctx, group, listener, server)
			connection, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := fmt.Fprintf(connection, "GET / HTTP/1.1\r\nHost: here\r\n%s\r\n", head); err != nil {
				t.Fatal(err)
			}
			select {
			case <-closed:
			case <-time.After(time.Minute):
				t.Error("the call goes on for ever")
			}
			stop()
			if err := connection.Close(); err != nil {
				t.Error(err)
			}
			if err := group.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}
