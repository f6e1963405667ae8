package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"sort"
	"strings"
	"time"

	"github.com/lockstep/lockstep/internal/sampleapp"
	"github.com/lockstep/lockstep/internal/stage"
)

// shopHost is the host at which the demo's services are found.
const shopHost = "shop.example"

func curtain(ctx context.Context, s *set) error {
	s.voice.title("Three containers start: two copies of a shop, and its API on the same host")
	for _, c := range []stage.Container{
		s.copyOfShop("shop-1"),
		s.copyOfShop("shop-2"),
		s.cast("api-1", "service=api", "hosts="+shopHost, "paths=/api"),
	} {
		if err := s.run(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// prepared shows the settings that every command of the demo has.
func prepared(_ context.Context, s *set) error {
	s.voice.title("The settings; in a shell that has them, every command below works")
	for _, setting := range s.settings() {
		s.voice.command("export", setting)
	}
	return nil
}

func planned(ctx context.Context, s *set) error {
	s.voice.title("What would Lockstep do?")
	return s.lockstep(ctx, "plan")
}

func started(ctx context.Context, s *set) error {
	s.voice.title("Lockstep starts, and starts HAProxy")
	s.voice.command(s.binary, "run")
	began := time.Now()
	if err := s.begin(ctx); err != nil {
		return err
	}
	if s.fake != nil {
		s.voice.say("(Kong is played by a stand-in here; KONG_ADMIN_URL names a real one)")
	}
	s.voice.prove("Ready after %d ms: both gateways hold what runs.", time.Since(began).Milliseconds())
	return nil
}

func roundRobin(ctx context.Context, s *set) error {
	s.voice.title("Requests go round, through both gateways")
	for _, gateway := range s.gateways() {
		for _, path := range []string{"/", "/api/items"} {
			var who []string
			err := s.until(ctx, func() error { // a real Kong takes a moment to serve a new route
				who = nil
				for range 6 {
					a, err := get(ctx, "http://"+gateway.address+path, shopHost)
					if err != nil {
						return err
					}
					if a.status != http.StatusOK {
						return fmt.Errorf("%s answers %d", gateway.name, a.status)
					}
					who = append(who, a.instanceOf())
				}
				return nil
			})
			if err != nil {
				return err
			}
			s.voice.prove("%-8s http://%s%-11s → %s", gateway.name, shopHost, path, strings.Join(who, " "))
		}
	}
	return nil
}

func scaledUp(ctx context.Context, s *set) error {
	s.voice.title("A third copy of the shop starts")
	watch, stop := context.WithCancel(ctx)
	defer stop()
	events := s.stage.Events(watch)
	if err := s.run(ctx, s.copyOfShop("shop-3")); err != nil {
		return err
	}
	var began time.Time
	for e := range events {
		if e.Err != nil {
			return e.Err
		}
		if e.Action == "start" {
			began = e.At
			break
		}
	}
	for _, gateway := range s.gateways() {
		err := s.until(ctx, func() error {
			a, err := get(ctx, "http://"+gateway.address+"/", shopHost)
			if err == nil && a.instance != "shop-3" {
				err = fmt.Errorf("%s has not reached it yet", gateway.name)
			}
			return err
		})
		if err != nil {
			return err
		}
		s.voice.prove("%-8s reached it %d ms after Docker said that it started", gateway.name, time.Since(began).Milliseconds())
	}
	return nil
}

func stopped(ctx context.Context, s *set) error {
	s.voice.title("One copy is stopped, while somebody asks without a pause")
	s.voice.command("docker stop", s.stage.Name("shop-1"))
	halt, stop := context.WithCancel(ctx)
	defer stop()
	counted := make(chan map[string]int)
	go func() { counted <- count(halt, "http://"+s.haproxy+"/") }()
	if err := s.stage.Stop(ctx, "shop-1", 10*time.Second); err != nil {
		return err
	}
	if err := pause(ctx, 300*time.Millisecond); err != nil {
		return err
	}
	stop()
	seen := <-counted
	total, lost := 0, 0
	var names []string
	for name, n := range seen {
		total += n
		names = append(names, fmt.Sprintf("%s %d", name, n))
		if !strings.HasPrefix(name, "shop-") {
			lost += n
		}
	}
	sort.Strings(names)
	s.voice.prove("%d requests, %d lost: %s", total, lost, strings.Join(names, ", "))
	return nil
}

// count asks until ctx ends and counts who answered; what fails counts as its error.
func count(ctx context.Context, address string) map[string]int {
	seen := map[string]int{}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		a, err := get(ctx, address, shopHost)
		switch {
		case ctx.Err() != nil:
			return seen
		case err != nil:
			seen[err.Error()]++
		default:
			seen[a.instanceOf()]++
		}
		<-tick.C
	}
}

func mistyped(ctx context.Context, s *set) error {
	s.voice.title("Somebody mistypes a label; nobody else suffers, and one command says why")
	if err := s.run(ctx, s.cast("oops", "service=shop", "hots="+shopHost)); err != nil {
		return err
	}
	about := "http://" + s.listen + "/explain?" + url.Values{"subject": {s.stage.Name("oops")}}.Encode()
	err := s.until(ctx, func() error { // Docker tells of a start a moment later
		a, err := get(ctx, about, "")
		if err == nil && !strings.Contains(a.body, Prefix+"hots") {
			err = fmt.Errorf("the label is not known yet: %s", a.body)
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.lockstep(ctx, "explain", s.stage.Name("oops"))
}

func summed(ctx context.Context, s *set) error {
	s.voice.title("Everything at a glance, and nothing left to do")
	if err := s.lockstep(ctx, "status"); err != nil {
		return err
	}
	return s.lockstep(ctx, "plan")
}

// invite says how to go on with what is kept running.
func (s *set) invite() {
	s.voice.title("It stays up until Ctrl-C")
	s.voice.command("curl --header 'Host: "+shopHost+"'", "http://"+s.haproxy+"/")
	s.voice.command("curl --header 'Host: "+shopHost+"'", "http://"+s.kong+"/")
	s.voice.command(s.binary, "status --listen", s.listen)
	s.voice.command(s.command(s.copyOfShop(""))...)
}

// copyOfShop describes one more copy of the shop. It bears all labels that the
// others do: where copies disagree, the newest decides.
func (s *set) copyOfShop(name string) stage.Container {
	return s.cast(name, "service=shop", "hosts="+shopHost)
}

// cast describes a container; labels come without their prefix.
func (s *set) cast(name string, labels ...string) stage.Container {
	c := stage.Container{
		Name: name, Image: s.image, Env: []string{"ON_TERM=exit"},
		Labels: map[string]string{Prefix + "enable": "true"},
	}
	for _, label := range labels {
		key, value, _ := strings.Cut(label, "=")
		c.Labels[Prefix+key] = value
	}
	return c
}

// run starts a container and shows the command that would.
func (s *set) run(ctx context.Context, c stage.Container) error {
	s.voice.command(s.command(c)...)
	return s.stage.Run(ctx, c)
}

// command is what a user types to start a container; without a name Docker finds one.
func (s *set) command(c stage.Container) []string {
	words := []string{"docker run --detach"}
	if c.Name != "" {
		words = append(words, "--name", s.stage.Name(c.Name))
	}
	for _, variable := range c.Env {
		words = append(words, "--env", variable)
	}
	var labels []string
	for key, value := range c.Labels {
		labels = append(labels, "--label "+key+"="+value)
	}
	sort.Strings(labels)
	return append(append(words, labels...), s.image)
}

// lockstep runs one of the commands and shows what it says. Code 2 is plan's
// way to say that something would change.
func (s *set) lockstep(ctx context.Context, args ...string) error {
	s.voice.command(append([]string{s.binary}, args...)...)
	cmd := exec.CommandContext(ctx, s.options.Binary, args...)
	cmd.Env = append(os.Environ(), s.settings()...)
	out, err := cmd.CombinedOutput()
	s.voice.output(string(out))
	if err != nil && cmd.ProcessState.ExitCode() != 2 {
		return fmt.Errorf("lockstep %v: %w", args, err)
	}
	return nil
}

type gateway struct{ name, address string }

func (s *set) gateways() []gateway { return []gateway{{"HAProxy", s.haproxy}, {"Kong", s.kong}} }

// get sends one request over a connection of its own.
func get(ctx context.Context, address, host string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, err
	}
	req.Host, req.Close = host, true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return answer{resp.StatusCode, resp.Header.Get(sampleapp.InstanceHeader), strings.TrimSpace(string(body))}, err
}
