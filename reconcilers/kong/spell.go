package kong

import (
	"net"
	"net/url"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
)

// label gives the record its id and tags: those of the manifest, and ours.
func (c *compiler) label(rec *record, e *v1.Entity, about *schema, hidden []string) {
	if rec.row.kind == kindMember {
		return // it has room for neither
	}
	marks := []string{tagName + quoted(rec.key)}
	if e.ID != "" {
		marks[0] = tagName + quoted(e.Name)
	}
	if !strings.HasPrefix(rec.service, "@") {
		marks = append(marks, tagService+rec.service)
	}
	for _, path := range hidden {
		if !strings.HasPrefix(path, "tags") && !slices.Contains(rec.row.secrets, path) {
			marks = append(marks, tagHidden+quoted(path))
		}
	}
	v := secret.Veil{Seal: c.names.seal, ID: rec.id}
	if mark := about.sealed(rec, v); mark != "" {
		marks = append(marks, tagSecret+mark)
	}
	for _, f := range about.fields {
		if f.auto && !f.timed() && rec.body[f.name] != nil && !slices.Contains(rec.row.hashed, f.name) {
			marks = append(marks, tagGiven+f.name)
		}
	}
	given, _ := rec.body["tags"].([]any)
	for _, tag := range given {
		if text, ok := tag.(string); ok && !strings.HasPrefix(text, ownTags) {
			marks = append(marks, text)
		}
	}
	tags := make([]any, 0, len(marks)+1)
	for _, tag := range slices.Compact(c.names.tags(marks...)) {
		tags = append(tags, tag)
	}
	rec.body["tags"], rec.body["id"] = tags, rec.id
	c.names.sign(rec)
}

// spell turns spellings that only exist in requests into what Kong keeps.
func (r *record) spell() (message, fix string) {
	switch r.row.kind {
	case kindService:
		return r.spellURL()
	case kindTarget:
		if target, _ := r.body["target"].(string); target != "" {
			if _, _, err := net.SplitHostPort(target); err != nil {
				target = net.JoinHostPort(strings.Trim(target, "[]"), "8000")
			}
			r.body["target"] = address(target)
		}
	case kindRoute:
		protocols, _ := r.body["protocols"].([]any)
		if grpc := slices.Contains(protocols, any("grpc")) || slices.Contains(protocols, any("grpcs")); grpc && r.body["strip_path"] == nil {
			r.body["strip_path"] = false // Kong's default is another there
		}
	}
	return "", ""
}

func (r *record) spellURL() (message, fix string) {
	text, given := r.body["url"].(string)
	if !given {
		return "", ""
	}
	delete(r.body, "url")
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme == "" {
		return "url: it is no address", "write for example http://10.0.0.5:8080/path"
	}
	port := u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "https" {
			port = "443"
		}
	}
	number, err := jsonvalue.Parse(port)
	if err != nil {
		return "url: it has no usable port", "write for example http://10.0.0.5:8080/path"
	}
	r.body["protocol"], r.body["host"], r.body["port"] = u.Scheme, u.Hostname(), number
	if u.EscapedPath() != "" {
		r.body["path"] = u.EscapedPath()
	}
	return "", ""
}

// hideURL returns the paths at which secrets stand, with those that a url which is one
// was turned into. Its protocol and port tell nothing.
func (r *record) hideURL(hidden []string) []string {
	at := slices.Index(hidden, "url")
	if at < 0 {
		return hidden
	}
	hidden = slices.Delete(slices.Clone(hidden), at, at+1)
	for _, name := range []string{"host", "path"} {
		if text, given := r.body[name].(string); given && text != "/" {
			hidden = append(hidden, name)
			r.secrets = append(r.secrets, secret.Spellings(text)...)
		}
	}
	return hidden
}
