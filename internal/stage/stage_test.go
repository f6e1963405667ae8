package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"

	"github.com/lockstep/lockstep/internal/scratchimage"
)

// TestStage walks one container through its life on the real Engine.
func TestStage(t *testing.T) {
	ctx := t.Context()
	s, err := Open(ctx, "", fmt.Sprintf("stage%d", os.Getpid()))
	if err != nil {
		t.Skip(err)
	}
	image, shipped := s.Name("image")+":test", s.Name("shipped")+":test"
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		if err := s.Clear(ctx); err != nil {
			t.Error(err)
		}
		if err := errors.Join(s.RemoveImage(ctx, image), s.RemoveImage(ctx, shipped)); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Image(ctx, image, sample(t)); err != nil {
		t.Fatal(err)
	}
	if err := s.Ship(ctx, scratchimage.Image{Tag: shipped, Binary: sample(t), Ports: []uint16{8080}}); err != nil {
		t.Fatal(err)
	}
	stranger, err := s.docker.ContainerCreate(ctx, &container.Config{Image: shipped}, nil, nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if made, err := s.docker.ContainerInspect(ctx, stranger.ID); err != nil || made.Config.Labels[labelKey] != s.id || len(made.Config.ExposedPorts) != 1 {
		t.Errorf("%v; a container from the image has labels %v and ports %v", err, made.Config.Labels, made.Config.ExposedPorts)
	}
	events := s.Events(ctx)
	if err := s.CreateNetwork(ctx, "net"); err != nil {
		t.Fatal(err)
	}
	web := Container{Name: "web", Image: image, Env: []string{"INSTANCE=one"}, Network: "net", Probe: []string{"/app", "probe"}}
	if err := s.Run(ctx, web); err != nil {
		t.Fatal(err)
	}
	expect(t, events, "start")
	expect(t, events, "health_status: healthy")
	addr, err := s.Address(ctx, "web")
	if err != nil {
		t.Fatal(err)
	}
	if got := get(t, "http://"+addr.String()+":8080/x"); got[:12] != "instance=one" {
		t.Errorf("the service answered %q", got)
	}
	if err := s.Stop(ctx, "web", 5*time.Second); err != nil {
		t.Fatal(err)
	}
	expect(t, events, "die")
}

func sample(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sample")
	build := exec.Command("go", "build", "-o", path, "github.com/lockstep/lockstep/internal/sampleapp/sample")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the sample service: %v\n%s", err, out)
	}
	return path
}

func expect(t *testing.T, events <-chan Event, action string) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	for {
		select {
		case e := <-events:
			if e.Err != nil {
				t.Fatal(e.Err)
			}
			if e.Action == action && e.Name == "web" {
				return
			}
		case <-deadline:
			t.Fatalf("no event %q came", action)
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
