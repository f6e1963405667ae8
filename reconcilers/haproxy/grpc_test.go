package haproxy

import (
	"context"
	"crypto/sha1" //nolint:gosec // RFC 6455 has it so
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers"
)

// A call of gRPC is a POST over HTTP/2 whose bodies are messages with a length before
// each, that go both ways at once, and whose outcome stands in the trailers.

// callee is a container that answers calls: each message comes back at once, and the
// trailers say how many there were. /fail ends with an error and no message.
func callee(tb testing.TB, name string, secret *tls.Config) v1.Endpoint {
	tb.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 || r.Method != http.MethodPost || r.Header.Get("Te") != "trailers" {
			http.Error(w, "this is no gRPC", http.StatusUnsupportedMediaType)
			return
		}
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("X-Instance", name)
		if r.URL.Path == "/shop.Cart/Fail" { // trailers alone
			w.Header().Set("Grpc-Status", "5")
			w.Header().Set("Grpc-Message", "no such cart")
			return
		}
		w.WriteHeader(http.StatusOK)
		answers, messages := http.NewResponseController(w), 0
		if err := answers.Flush(); err != nil {
			return
		}
		for ; ; messages++ {
			text, err := readMessage(r.Body)
			if err != nil {
				break
			}
			if err := writeMessage(w, name+" got "+text); err != nil {
				return
			}
			if err := answers.Flush(); err != nil {
				return
			}
		}
		w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		w.Header().Set(http.TrailerPrefix+"X-Messages", fmt.Sprint(messages))
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	s.Config.Protocols = new(http.Protocols)
	if s.TLS = secret; secret != nil {
		s.Config.Protocols.SetHTTP2(true)
		s.EnableHTTP2 = true
		s.StartTLS()
	} else {
		s.Config.Protocols.SetUnencryptedHTTP2(true)
		s.Start()
	}
	tb.Cleanup(s.Close)
	return endpoint(tb, name, s.Listener.Addr().String())
}

func writeMessage(w io.Writer, text string) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(text))), text...)) //nolint:gosec // short
	return err
}

func readMessage(r io.Reader) (string, error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(r, head); err != nil {
		return "", err
	}
	text := make([]byte, binary.BigEndian.Uint32(head[1:]))
	_, err := io.ReadFull(r, text)
	return string(text), err
}

// overHTTP2 is a client that speaks HTTP/2 with an address, whatever a URL says: over
// TLS for https, in clear for http.
func overHTTP2(tb testing.TB, address string) *http.Client {
	tb.Helper()
	transport := &http.Transport{
		Protocols: new(http.Protocols), TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the certificate is not what is tested
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, address)
		},
	}
	transport.Protocols.SetHTTP2(true)
	transport.Protocols.SetUnencryptedHTTP2(true)
	tb.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// begin begins a call; messages go into in.
func begin(tb testing.TB, client *http.Client, url string) (in *io.PipeWriter, answer *http.Response) {
	tb.Helper()
	body, in := io.Pipe()
	request, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, url, body)
	if err != nil {
		tb.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("Te", "trailers")
	answer, err = client.Do(request)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { answer.Body.Close() })
	return in, answer
}

// TestGRPC calls a service through HAProxy, over TLS and in clear, in front and behind:
// messages both ways before either side has ended, trailers, an error without messages.
func TestGRPC(t *testing.T) {
	b, address := secured(t)
	a := newAuthority(t)
	b.options.BackendCAs = []string{a.file(t.TempDir() + "/ca.pem")}
	b.open()
	chain, key := a.Issue(time.Now().Add(time.Hour), "sealed.test")
	pair, err := tls.X509KeyPair([]byte(chain), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	sealed := &tls.Config{Certificates: []tls.Certificate{pair}} //nolint:gosec // any version
	b.serve("calls", callee(t, "calls-1", nil)).Protocol = v1.GRPC
	b.serve("sealed", callee(t, "sealed-1", sealed)).Protocol = v1.GRPCS
	for _, s := range b.set {
		s.HealthCheck = v1.HealthCheck{Check: v1.CheckHTTP, CheckInterval: 50 * time.Millisecond, CheckStatus: []string{"415"}}
	}
	b.sync()
	for _, url := range []string{"https://calls.test", "http://calls.test", "https://sealed.test", "http://sealed.test"} {
		t.Run(url, func(t *testing.T) {
			at := address
			if strings.HasPrefix(url, "http:") {
				at = b.options.Binds[0]
			}
			client := overHTTP2(t, at)
			in, answer := begin(t, client, url+"/shop.Cart/Watch") //nolint:bodyclose // begin does
			instance := answer.Header.Get("X-Instance")
			for i := range 3 {
				text := strings.Repeat("x", i*30_000)
				if err := writeMessage(in, text); err != nil {
					t.Fatal(err)
				}
				if got, err := readMessage(answer.Body); err != nil || got != instance+" got "+text {
					t.Fatalf("message %d came back as %.40q, %v", i, got, err)
				}
			}
			if err := in.Close(); err != nil {
				t.Fatal(err)
			}
			if rest, err := io.ReadAll(answer.Body); err != nil || len(rest) != 0 || answer.Trailer.Get("Grpc-Status") != "0" || answer.Trailer.Get("X-Messages") != "3" {
				t.Errorf("the call ended with %q %v and the trailers %v", rest, err, answer.Trailer)
			}
			in, answer = begin(t, client, url+"/shop.Cart/Fail") //nolint:bodyclose // begin does
			if err := in.Close(); err != nil {
				t.Fatal(err)
			}
			if answer.StatusCode != 200 || answer.Header.Get("Grpc-Status") != "5" || answer.Header.Get("Grpc-Message") != "no such cart" {
				t.Errorf("the error came as %d %v", answer.StatusCode, answer.Header)
			}
		})
	}
	in, answer := begin(t, overHTTP2(t, address), "https://calls.test/shop.Cart/Watch") //nolint:bodyclose // begin does
	reloads := count(t, b, "lockstep_haproxy_reloads_total")
	b.set["calls"].Endpoints = append(b.set["calls"].Endpoints, callee(t, "calls-2", nil))
	b.sync()
	for range 2 { // the stream that is under way goes on
		if err := writeMessage(in, "still there"); err != nil {
			t.Fatal(err)
		}
		if got, err := readMessage(answer.Body); err != nil || got != "calls-1 got still there" {
			t.Errorf("%q %v", got, err)
		}
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if now := count(t, b, "lockstep_haproxy_reloads_total"); now != reloads {
		t.Errorf("another copy took %d reloads", now-reloads)
	}
	if p := b.plan(reconcilers.Scope{Fresh: true}); !p.Empty() {
		t.Errorf("not quiet: %s", sentences(p))
	}
}

// TestGRPCThroughKong: what Kong sends on to a service of calls comes over HTTP/2 as well.
func TestGRPCThroughKong(t *testing.T) {
	b, address := behindKong(t)
	b.chained("calls", callee(t, "calls-1", nil)).Protocol = v1.GRPC
	b.sync()
	in, answer := begin(t, overHTTP2(t, address), "http://calls.test/shop.Cart/Watch") //nolint:bodyclose // begin does
	if err := writeMessage(in, "hello"); err != nil {
		t.Fatal(err)
	}
	if got, err := readMessage(answer.Body); err != nil || got != "calls-1 got hello" {
		t.Errorf("%q %v", got, err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(answer.Body); err != nil || len(rest) > 0 || answer.Trailer.Get("Grpc-Status") != "0" {
		t.Errorf("the call ended with %q %v and the trailers %v", rest, err, answer.Trailer)
	}
}

// TestWebSocketOverTLS upgrades a connection at the listener for TLS, to a container
// without TLS and to one with.
func TestWebSocketOverTLS(t *testing.T) {
	b, address := secured(t)
	upgrade := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		proof := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // RFC 6455 has it so
		fmt.Fprintf(buffered, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: %s\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
			r.Header.Get("Upgrade"), base64.StdEncoding.EncodeToString(proof[:]))
		for {
			if err := buffered.Flush(); err != nil {
				return
			}
			line, err := buffered.ReadString('\n')
			if err != nil {
				return
			}
			fmt.Fprintf(buffered, "%s heard %s", r.Host, line)
		}
	})
	open, sealed := httptest.NewServer(upgrade), httptest.NewTLSServer(upgrade)
	t.Cleanup(open.Close)
	t.Cleanup(sealed.Close)
	b.serve("open", endpoint(t, "open-1", open.Listener.Addr().String()))
	s := b.serve("sealed", endpoint(t, "sealed-1", sealed.Listener.Addr().String()))
	s.Protocol, s.TLSUnverified = v1.HTTPS, true
	b.sync()
	for _, host := range []string{"open.test", "sealed.test"} {
		conn, err := tls.Dial("tcp", address, &tls.Config{ServerName: host, InsecureSkipVerify: true}) //nolint:gosec // the certificate is not what is tested
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", host)
		got := make([]byte, 4096)
		said := ""
		for _, word := range []string{"", "one\n", "two\n"} {
			fmt.Fprint(conn, word)
			for want := host + " heard " + word; !strings.Contains(said, "101 Switching") || word != "" && !strings.HasSuffix(said, want); {
				n, err := conn.Read(got)
				if err != nil {
					t.Fatalf("%s: after %q: %v", host, said, err)
				}
				said += string(got[:n])
			}
		}
	}
}
