package fakekong

import "slices"

// defaultWorkspace is the name of the one that is asked without a name.
const defaultWorkspace = "default"

// workspace takes the workspace off the path of a request, and reports whether one is
// named. All paths but "/" are there below the name of one.
func (k *Kong) workspace(c *call) (within string, named bool) {
	if len(k.spaces) == 0 || len(c.path) < 2 {
		return "", false
	}
	name := c.path[0]
	if name != defaultWorkspace && !slices.Contains(k.spaces, name) {
		return "", false
	}
	c.path = c.path[1:]
	if name == defaultWorkspace {
		name = ""
	}
	return name, true
}
