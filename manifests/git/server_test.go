package git

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// web serves a repository over https with git's own server program. It counts
// the packs that are fetched, and fails while it is down.
type web struct {
	*httptest.Server
	packs atomic.Int32
	down  atomic.Bool
}

const password = "only the test knows it"

func serveWeb(t *testing.T, c *clone) *web {
	t.Helper()
	w := &web{}
	program := filepath.Join(c.git("--exec-path"), "git-http-backend")
	backend := &cgi.Handler{Path: program, Stderr: io.Discard, Env: []string{"GIT_PROJECT_ROOT=" + c.dir, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}}
	w.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		if w.down.Load() {
			http.Error(answer, "\x1b[31mgone fishing", http.StatusBadGateway)
			return
		}
		if _, given, _ := r.BasicAuth(); given != password {
			answer.Header().Set("WWW-Authenticate", "Basic")
			answer.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.Method == http.MethodPost {
			w.packs.Add(1)
		}
		backend.ServeHTTP(answer, r)
	}))
	w.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // strangers are expected
	w.StartTLS()
	t.Cleanup(w.Close)
	return w
}

// authority returns a file that vouches for the server.
func authority(t *testing.T, w *web) string {
	t.Helper()
	return file(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.Certificate().Raw})))
}

// file writes a file for the test and returns its path.
func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOverHTTPS(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	for i := range 20 {
		c.write("a.yaml", service("a", fmt.Sprintf("/%d", i)))
		c.commit()
	}
	tip := c.git("rev-parse", "HEAD")
	w := serveWeb(t, c)
	ca := authority(t, w)
	secret := file(t, "password", "wrong\n")
	scratch := t.TempDir()
	f := follow(t, Options{URL: w.URL + "/.git", Password: secret, Authority: ca, Scratch: scratch})
	f.complains("the server wants to know who asks")
	if err := os.WriteFile(secret, []byte(password+"\n"), 0o600); err != nil { // looked up anew
		t.Fatal(err)
	}
	f.has("a: /19 " + short(tip))
	f.complains("")

	packs := w.packs.Load()
	for range 3 { // nothing new: the repository is asked, and nothing is fetched
		asked := f.repository.State().Asked
		f.until("asked again", func() bool { return f.repository.State().Asked.After(asked) })
	}
	if w.packs.Load() != packs {
		t.Errorf("%d packs were fetched although nothing is new", w.packs.Load()-packs)
	}
	w.down.Store(true)
	f.complains("status code: 502")
	if said := f.repository.State().Error; strings.ContainsAny(said, "\x1b\n") || strings.Contains(said, password) {
		t.Errorf("this can't be shown: %q", said)
	}
	f.has("a: /19 " + short(tip))
	w.down.Store(false)
	c.write("a.yaml", service("a", "/new"))
	f.has("a: /new " + short(c.commit()))
	f.stop()
	if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}

	packs = w.packs.Load()
	again := follow(t, Options{URL: w.URL + "/.git", Password: secret, Authority: ca, Memory: f.remembered()})
	again.has("a: /new " + short(c.git("rev-parse", "HEAD")))
	again.until("asked", func() bool { return !again.repository.State().Asked.IsZero() })
	if w.packs.Load() != packs {
		t.Errorf("%d packs were fetched after a restart although nothing is new", w.packs.Load()-packs)
	}
	stranger := follow(t, Options{URL: w.URL + "/.git", Password: secret})
	stranger.complains("certificate signed by unknown authority; name the file of its authority's certificate with --git-ca")
	nowhere := follow(t, Options{URL: w.URL + "/nothing.git", Password: secret, Authority: ca})
	nowhere.complains("the server has no such repository")
	other := follow(t, Options{URL: w.URL + "/.git", Password: secret, Authority: ca, Ref: "mian"})
	other.complains("did you mean --git-ref main?")
	c.git("tag", "-a", "-m", "a release", "v1", tip)
	tag := follow(t, Options{URL: w.URL + "/.git", Password: secret, Authority: ca, Ref: "v1"})
	tag.has("a: /19 " + short(tip))
}

// host is a server of ssh that lets one key in, to run what git asks for.
type host struct {
	listener net.Listener
	key      ssh.Signer
}

func serveSSH(t *testing.T, c *clone, allowed ssh.PublicKey) *host {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{}
	if h.key, err = ssh.NewSignerFromKey(private); err != nil {
		t.Fatal(err)
	}
	if h.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(allowed.Marshal()) {
			return nil, errors.New("a stranger")
		}
		return &ssh.Permissions{}, nil
	}}
	config.AddHostKey(h.key)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := h.listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { h.serve(conn, config, c) })
		}
	})
	t.Cleanup(func() {
		if err := h.listener.Close(); err != nil {
			t.Error(err)
		}
		running.Wait()
	})
	return h
}

// serve answers one connection; what goes wrong there, the client tells.
func (h *host) serve(conn net.Conn, config *ssh.ServerConfig, c *clone) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, asked, err := offered.Accept()
		if err != nil {
			return
		}
		for request := range asked {
			ok := request.Type == "exec"
			if err := request.Reply(ok, nil); err != nil || !ok {
				continue
			}
			cmd := exec.Command("git", "upload-pack", c.dir) //nolint:gosec,noctx // the client ends it by closing
			cmd.Env, cmd.Stdout = c.env, channel
			in, err := cmd.StdinPipe()
			if err != nil || cmd.Start() != nil {
				_ = channel.Close() // the client may be gone
				continue
			}
			go func() {
				_, _ = io.Copy(in, channel) // ends with the channel
				in.Close()
			}()
			status := []byte{0, 0, 0, 0}
			if cmd.Wait() != nil {
				status[3] = 1
			}
			_, _ = channel.SendRequest("exit-status", false, status) // the client may be gone
			_ = channel.Close()
		}
	}
}

// newKey makes a key pair, with the private one in a file.
func newKey(t *testing.T) (path string, public ssh.PublicKey) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, "id", string(pem.EncodeToMemory(block))), signer.PublicKey()
}

func TestOverSSH(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	c.write("a.yaml", service("a", "/1"))
	first := c.commit()
	key, public := newKey(t)
	h := serveSSH(t, c, public)
	url := "ssh://git@" + h.listener.Addr().String() + "/manifests.git"
	_, elses := newKey(t)
	line := func(key ssh.PublicKey) string {
		return knownhosts.Line([]string{knownhosts.Normalize(h.listener.Addr().String())}, key) + "\n"
	}

	known := file(t, "known_hosts", "")
	f := follow(t, Options{URL: url, SSHKey: key, KnownHosts: known})
	f.complains("the key of 127.0.0.1 is in no known_hosts")
	write := func(text string) {
		if err := os.WriteFile(known, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(line(elses))
	f.complains("shows another key than known_hosts has")
	if f.watcher.State().Loaded {
		t.Fatal("it believed a host that is not the one in known_hosts")
	}
	write(line(h.key.PublicKey()))
	f.has("a: /1 " + short(first))
	c.write("a.yaml", service("a", "/2"))
	f.has("a: /2 " + short(c.commit()))
	f.complains("")

	other, _ := newKey(t)
	stranger := follow(t, Options{URL: url, SSHKey: other, KnownHosts: known})
	stranger.complains("the server does not know the key of --git-ssh-key")
	keyless := follow(t, Options{URL: url, KnownHosts: known})
	keyless.complains("name one with --git-ssh-key")
	lost := follow(t, Options{URL: url, SSHKey: key, KnownHosts: filepath.Join(t.TempDir(), "none")})
	lost.complains("nothing says which key 127.0.0.1 has")
}

// TestSilentServer takes connections and says nothing.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	key, public := newKey(t)
	known := file(t, "known_hosts", knownhosts.Line([]string{knownhosts.Normalize(listener.Addr().String())}, public)+"\n")
	f := follow(t, Options{URL: "ssh://git@" + listener.Addr().String() + "/x.git", SSHKey: key, KnownHosts: known})
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f.stop() // must not wait for an answer
	if f.watcher.State().Loaded {
		t.Error("it claims to know what a silent server says")
	}
}
