package v1

import (
	"fmt"
	"strings"
)

// The longest names, so that with a gateway's own additions they still fit.
const (
	maxPart = 63
	maxKey  = 200
)

// swarmLabel is where Swarm writes a task's service.
const swarmLabel = "com.docker.swarm.service.name"

// isPart reports whether a name can be one part of a key: [a-z0-9][a-z0-9_-]*.
func isPart(name string) bool {
	if name == "" || len(name) > maxPart || !isLower(name[0]) && !isDigit(name[0]) {
		return false
	}
	for i := range len(name) {
		if c := name[i]; !isLower(c) && !isDigit(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// isKey reports whether a name is parts joined by dots.
func isKey(name string) bool {
	if len(name) > maxKey {
		return false
	}
	for part := range strings.SplitSeq(name, ".") {
		if !isPart(part) {
			return false
		}
	}
	return true
}

// checkKey takes a service key as it is.
func checkKey(name string) (string, *fault) {
	if isKey(name) {
		return name, nil
	}
	wrong := &fault{
		message: fmt.Sprintf("%s can't be a service key", shown(name)),
		fix:     keyRule,
	}
	if lower := strings.ToLower(name); isKey(lower) {
		wrong.fix = fmt.Sprintf("write it in lower case: %s", lower)
	}
	return "", wrong
}

const keyRule = "use parts of lower-case letters, digits, - and _ that begin with a letter or digit, joined by dots, at most 63 characters a part and 200 in all"

// checkPart takes the NAME in routes.NAME and services.NAME.
func checkPart(noun, name string) *fault {
	if isPart(name) {
		return nil
	}
	wrong := &fault{
		message: fmt.Sprintf("%s can't be a %s's name", shown(name), noun),
		fix:     "use lower-case letters, digits, - and _, begin with a letter or digit, at most 63 characters",
	}
	if lower := strings.ToLower(name); isPart(lower) {
		wrong.fix = fmt.Sprintf("write it in lower case: %s", lower)
	}
	return wrong
}

// deriveKey returns the key of a container that does not name its service:
// Compose's names, else Swarm's, else its own. Capitals are lowered; anything
// else that does not fit is for the user to decide.
func deriveKey(s Subject) (string, *fault) {
	name, from := s.Container, "the container's name"
	if swarm := s.Labels[swarmLabel]; s.Project != "" && s.Service != "" {
		name, from = s.Project+"."+s.Service, "the names of the Compose project and service"
	} else if swarm != "" {
		name, from = swarm, "the name of the Swarm service"
	}
	if lower := strings.ToLower(name); isKey(lower) {
		return lower, nil
	}
	return "", &fault{message: fmt.Sprintf("no service key can be made from %s, %s", from, shown(name))}
}
