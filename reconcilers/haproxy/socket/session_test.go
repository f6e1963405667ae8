package socket

import (
	"errors"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// TestUnhurried: an answer may take long as long as something comes, and silence ends it.
func TestUnhurried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		here, there := net.Pipe()
		defer here.Close()
		go func() {
			for range 10 {
				<-time.After(900 * time.Millisecond)
				if _, err := there.Write([]byte("x")); err != nil {
					t.Error(err)
				}
			}
		}()
		conn := unhurried{Conn: here, timeout: time.Second}
		one := make([]byte, 1)
		for i := range 10 {
			if _, err := conn.Read(one); err != nil {
				t.Fatalf("byte %d: %v", i+1, err)
			}
		}
		if _, err := conn.Read(one); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("silence ends with %v", err)
		}
		conn.until = time.Now().Add(-time.Second)
		if _, err := conn.Write(one); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("after the end it writes, with %v", err)
		}
	})
}
