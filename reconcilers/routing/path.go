package routing

import "strings"

// upstreamPath is the path that the upstream gets: the service's path, then the
// request's without the prefix if the route strips it. The slash between both is
// never doubled, and an empty rest adds none of its own.
//
// path_handling v1 makes no difference in the compatible router.
func upstreamPath(r *Route, prefix, path string) string {
	base := r.ServicePath
	if base == "" {
		base = "/"
	}
	rest := path
	if r.StripPath {
		rest = strings.TrimPrefix(path, prefix)
	}
	slashed := strings.HasSuffix(base, "/")
	switch {
	case !r.StripPath && slashed:
		return base + strings.TrimPrefix(path, "/")
	case !r.StripPath && path == "/":
		return base
	case !r.StripPath:
		return base + path
	case rest == "" && base == "/":
		return base
	case rest == "" && len(path) > 1 && strings.HasSuffix(path, "/"):
		return strings.TrimSuffix(base, "/") + "/"
	case rest == "":
		return strings.TrimSuffix(base, "/")
	}
	return strings.TrimSuffix(base, "/") + "/" + strings.TrimPrefix(rest, "/")
}
