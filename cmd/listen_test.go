package cmd

import (
	"net"
	"testing"
)

// TestListenAtSaysWhatToDo: a port that is taken may be freed, an address that is nobody's here
// may not.
func TestListenAtSaysWhatToDo(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := taken.Close(); err != nil {
			t.Error(err)
		}
	}()
	for address, want := range map[string]string{
		taken.Addr().String(): "--listen " + taken.Addr().String() + ": bind: address already in use; choose another address, or stop what uses it",
		"192.0.2.1:9470":      "--listen 192.0.2.1:9470: bind: cannot assign requested address; choose another address, one of this machine's",
	} {
		if _, err := listenAt("--listen", address); err == nil || err.Error() != want {
			t.Errorf("it says %v, want %s", err, want)
		}
	}
}
