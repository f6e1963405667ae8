package haproxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// BenchmarkRequest: what a request costs HAProxy itself, in its own CPU time,
// where 100,000 prefixes stand in the map, where the host has patterns, and where
// Listeners have hosts to themselves.
func BenchmarkRequest(b *testing.B) {
	for _, c := range []struct {
		name               string
		prefixes, patterns int
		host               string
		listeners          int
	}{
		{"10 prefixes", 10, 0, "h0.test", 0},
		{"10 prefixes, 1 Listener", 10, 0, "h0.test", 1},
		{"10 prefixes, 20 Listeners", 10, 0, "h0.test", 20},
		{"100,000 prefixes", 100_000, 0, "h0.test", 0},
		{"100,000 prefixes, 1,000 patterns of other hosts", 100_000, 1000, "h0.test", 0},
		{"100,000 prefixes, 1 pattern", 100_000, 1, "p0.test", 0},
		{"100,000 prefixes, last of 10 patterns", 100_000, 10, "p0.test", 0},
		{"100,000 prefixes, last of 100 patterns", 100_000, 100, "p0.test", 0},
		{"100,000 prefixes, last of 1,000 patterns", 100_000, 1000, "p0.test", 0},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := managed(b)
			s := e.serve("all", origin(b, "all"))
			s.Routes = nil
			for i := 0; i < c.prefixes; i += 10 {
				r := v1.Route{Name: fmt.Sprintf("all.r%d", i), Hosts: []string{fmt.Sprintf("h%d.test", i%1000/10)}, PreserveHost: true}
				for j := range 10 {
					r.Paths = append(r.Paths, fmt.Sprintf("/path-%d/%d", i, j))
				}
				s.Routes = append(s.Routes, r)
			}
			for i := range c.patterns {
				s.Routes = append(s.Routes, v1.Route{
					Name: fmt.Sprintf("all.p%d", i), Hosts: []string{fmt.Sprintf("p%d.test", i)}, Methods: []string{"GET"},
					Headers: map[string][]string{"X-V": {"1"}}, Paths: []string{`~/path-\d+/[0-9]+`}, PreserveHost: true,
				})
			}
			for i := range c.listeners {
				var hosts []string
				for j := range 50 {
					hosts = append(hosts, fmt.Sprintf("!*.l%d-%d.test", i, j))
				}
				e.listen(fmt.Sprintf("l%d", i), freeAddress(b), hosts...)
			}
			e.sync()
			e.measure(b, fmt.Sprintf("GET /path-0/7 HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: */*\r\nX-V: 1\r\n\r\n", c.host))
		})
	}
}

// measure asks over one connection and reports HAProxy's CPU time.
func (e *bench) measure(b *testing.B, request string) {
	b.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(e.url, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	reader := bufio.NewReader(conn)
	before := e.ticks(b)
	b.ResetTimer()
	for range b.N {
		if _, err := io.WriteString(conn, request); err != nil {
			b.Fatal(err)
		}
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
			b.Fatal(response.Status, err)
		}
		response.Body.Close()
	}
	b.StopTimer()
	b.ReportMetric(float64(e.ticks(b)-before)*10_000/float64(b.N), "haproxy-cpu-µs/op")
}

// ticks is the CPU time of HAProxy's worker, in hundredths of a second.
func (e *bench) ticks(b *testing.B) int {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", e.r.live.pid))
	if err != nil {
		b.Skip(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields, total := strings.Fields(rest), 0
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			b.Fatal(err)
		}
		total += n
	}
	return total
}
