// Package scratchimage makes an image out of one static Go binary, FROM
// scratch, on a Docker Engine and through its API alone: no registry, no
// docker command, no base image. Tests and the demo use it.
package scratchimage

import (
	"archive/tar"
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/docker/docker/api/types/build"
	"github.com/docker/docker/client"
)

// Image says what to build.
type Image struct {
	Tag    string   // "sample:test"
	Binary string   // path of a static Linux binary
	Args   []string // the binary's arguments, always
	Labels map[string]string
	Ports  []uint16 // TCP ports that it exposes
}

// Build builds the image and tags it. The same binary gives the same image at
// once, from the Engine's cache.
func Build(ctx context.Context, docker *client.Client, image Image) error {
	if err := checkStatic(image.Binary); err != nil {
		return err
	}
	files, err := buildContext(image)
	if err != nil {
		return err
	}
	resp, err := docker.ImageBuild(ctx, files, build.ImageBuildOptions{
		Tags: []string{image.Tag}, Labels: image.Labels, Remove: true, ForceRemove: true, Version: build.BuilderV1,
	})
	if err != nil {
		return fmt.Errorf("build image %s: %w", image.Tag, err)
	}
	defer resp.Body.Close()
	if err := buildError(resp.Body); err != nil {
		return fmt.Errorf("build image %s: %w", image.Tag, err)
	}
	return nil
}

// checkStatic refuses what an empty image could not start.
func checkStatic(path string) error {
	file, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("%s is no Linux binary: %w", path, err)
	}
	defer file.Close()
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("%s is linked dynamically: build it with CGO_ENABLED=0", path)
		}
	}
	return nil
}

// buildContext returns a tar stream of the Dockerfile and the binary. Nothing in
// it depends on time or place, so that the Engine's cache can recognise it.
func buildContext(image Image) (io.Reader, error) {
	binary, err := os.ReadFile(image.Binary)
	if err != nil {
		return nil, err
	}
	entrypoint, err := json.Marshal(append([]string{"/app"}, image.Args...))
	if err != nil {
		return nil, err
	}
	var dockerfile bytes.Buffer
	fmt.Fprintf(&dockerfile, "FROM scratch\nCOPY app /app\nENTRYPOINT %s\n", entrypoint)
	for _, port := range image.Ports {
		fmt.Fprintf(&dockerfile, "EXPOSE %d/tcp\n", port)
	}
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	for _, file := range []struct {
		name string
		mode int64
		data []byte
	}{{"Dockerfile", 0o644, dockerfile.Bytes()}, {"app", 0o755, binary}} {
		header := &tar.Header{Name: file.name, Mode: file.mode, Size: int64(len(file.data))}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := archive.Write(file.data); err != nil {
			return nil, err
		}
	}
	return &out, archive.Close()
}

// buildError reads the builder's messages to their end and returns the error
// among them; the Engine answers 200 even to a build that fails.
func buildError(messages io.Reader) error {
	decoder := json.NewDecoder(messages)
	for {
		var message struct {
			Error string `json:"error"`
		}
		switch err := decoder.Decode(&message); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the builder's messages: %w", err)
		case message.Error != "":
			return errors.New(message.Error)
		}
	}
}
