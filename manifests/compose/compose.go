// Package compose reads Compose files for what labels in them would ask for, before
// anything is deployed. It is the only importer of compose-go.
//
// In: the path of a Compose file, with all that it includes and extends, and the
// variables that it is written with. Out: Projects: their containers as Lockstep
// would see them, and the place of each label in the file.
package compose

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Project is what one Compose file would start.
type Project struct {
	Name       string
	Path       string
	Text       []byte      // of the file itself
	Containers []Container // as they follow each other in the file
}

// Container is one copy of a Compose service. Of several replicas one stands for all.
type Container struct {
	Name    string
	Service string
	Labels  map[string]string // with those that Compose adds
	// Ports are the TCP ports that the file names, sorted; none: those that the image
	// exposes, which no file knows.
	Ports    []uint16
	Networks []string // sorted
	OnHost   bool     // it shares the network of the host
	at       v1.Origin
	places   map[string]v1.Origin // of labels, by key
}

// Place adds to the place of a label the file, line and column where it stands; that
// of its service where the label comes from elsewhere.
func (c *Container) Place(at v1.Origin) v1.Origin {
	place, known := c.places[at.Label]
	if !known {
		place = c.at
	}
	place.Container, place.Label = c.Name, at.Label
	return place
}

// The labels by which Compose marks its containers: those of docker compose run, which
// are no copies of their service, as one-off.
const (
	LabelProject = "com.docker.compose.project"
	labelService = "com.docker.compose.service"
	labelNumber  = "com.docker.compose.container-number"
	labelOneOff  = "com.docker.compose.oneoff"
)

// Is reports whether a text is a Compose file rather than a manifest. decK's files
// have services as well, and a version of their format.
func Is(text []byte) bool {
	top := topOf(text)
	return top != nil && valueOf(top, "apiVersion") == nil && valueOf(top, "_format_version") == nil && valueOf(top, "services") != nil
}

// Read reads a Compose file as docker compose would, with every profile. It runs
// nothing and asks nobody.
func Read(ctx context.Context, path string) (Project, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Project{}, err
	}
	options, err := cli.NewProjectOptions([]string{path},
		cli.WithWorkingDirectory(filepath.Dir(path)), cli.WithOsEnv, cli.WithEnvFiles(), cli.WithDotEnv,
		cli.WithProfiles([]string{"*"}), cli.WithDiscardEnvFile, cli.WithoutEnvironmentResolution)
	if err != nil {
		return Project{}, fmt.Errorf("%s: %w", path, err)
	}
	loaded, err := options.LoadProject(ctx)
	if err != nil {
		return Project{}, fmt.Errorf("%s is no Compose file that docker compose would take: %s", path, v1.OneLine(err.Error()))
	}
	project := Project{Name: loaded.Name, Path: path, Text: text}
	places := placesOf(path, text)
	for _, name := range slices.Sorted(maps.Keys(loaded.Services)) {
		service := loaded.Services[name]
		project.Containers = append(project.Containers, container(loaded, &service, places[name], path))
	}
	slices.SortStableFunc(project.Containers, func(a, b Container) int { return cmp.Compare(a.at.Line, b.at.Line) })
	return project, nil
}

// container returns the container of a service.
func container(project *types.Project, s *types.ServiceConfig, at servicePlaces, path string) Container {
	c := Container{Name: s.ContainerName, Service: s.Name, Labels: map[string]string{}, at: at.service, places: at.labels}
	if c.Name == "" {
		c.Name = project.Name + "-" + s.Name + "-1"
	}
	if c.at.File == "" { // it is included from another file
		c.at = v1.Origin{File: path}
	}
	maps.Copy(c.Labels, s.Labels)
	c.Labels[LabelProject], c.Labels[labelService] = project.Name, s.Name
	c.Labels[labelNumber], c.Labels[labelOneOff] = "1", "False"
	c.OnHost = s.NetworkMode == "host"
	for name := range s.Networks {
		c.Networks = append(c.Networks, cmp.Or(project.Networks[name].Name, name))
	}
	slices.Sort(c.Networks)
	for _, port := range s.Ports {
		if port.Protocol == "" || port.Protocol == "tcp" {
			c.Ports = append(c.Ports, uint16(port.Target)) //nolint:gosec // compose-go has checked it
		}
	}
	for _, text := range s.Expose {
		number, protocol, _ := strings.Cut(text, "/")
		if port, err := strconv.ParseUint(number, 10, 16); err == nil && (protocol == "" || protocol == "tcp") { // a range says nothing of one port
			c.Ports = append(c.Ports, uint16(port))
		}
	}
	slices.Sort(c.Ports)
	c.Ports = slices.Compact(c.Ports)
	return c
}
