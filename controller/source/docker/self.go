package docker

import (
	"context"
	"regexp"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
)

var (
	hexID = regexp.MustCompile(`^[0-9a-f]{12}([0-9a-f]{52})?$`)
	// The Engine mounts three files of its own into each container; the source
	// path of the mount names the container. Other mounts don't count: on the
	// host itself those of every container can be seen.
	mountID = regexp.MustCompile(`/([0-9a-f]{64})/(?:userdata/)?(?:hostname|hosts|resolv\.conf) /etc/(?:hostname|hosts|resolv\.conf) `)
	// With version 1 of cgroups, the path is the container's.
	cgroupID = regexp.MustCompile(`(?m)[/-]([0-9a-f]{64})(?:\.scope)?$`)
)

// self finds the container that the daemon itself runs in, by what that
// container's processes see of it. It returns nil when the daemon runs in no
// container of this Engine.
func (s *Source) self(ctx context.Context) (*container.InspectResponse, error) {
	for _, id := range s.ownIDs() {
		answer, err := s.inspectAny(ctx, id)
		switch {
		case errdefs.IsNotFound(err):
			continue
		case err != nil:
			return nil, timely("inspect the daemon's own container", err)
		}
		// The Engine takes names for ids, too, and a host may bear any name.
		if answer.ContainerJSONBase != nil && strings.HasPrefix(answer.ID, id) {
			return &answer, nil
		}
	}
	return nil, nil
}

// ownIDs is hostView.ownIDs; where that finds nothing, as a file can't be read just now, what it
// found before: the container around us never changes.
func (s *Source) ownIDs() []string {
	ids := s.options.host.ownIDs()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(ids) > 0 {
		s.own = ids
	}
	return s.own
}

// ownIDs returns what may be the id of the container around us, likeliest first.
// A file that can't be read tells nothing, which is what is returned.
func (h hostView) ownIDs() []string {
	var ids []string
	add := func(id string) {
		for _, have := range ids {
			if strings.HasPrefix(have, id) || strings.HasPrefix(id, have) {
				return
			}
		}
		ids = append(ids, id)
	}
	if text, err := h.mountinfo(); err == nil {
		for _, m := range mountID.FindAllSubmatch(text, -1) {
			add(string(m[1]))
		}
	}
	if text, err := h.cgroup(); err == nil {
		for _, m := range cgroupID.FindAllSubmatch(text, -1) {
			add(string(m[1]))
		}
	}
	if name, err := h.hostname(); err == nil && hexID.MatchString(name) {
		add(name)
	}
	return ids
}
