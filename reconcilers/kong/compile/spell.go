package compile

import (
	"net"
	"net/url"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/reconcilers/kong/entity"
	"github.com/lockstep/lockstep/reconcilers/kong/jsonvalue"
	"github.com/lockstep/lockstep/reconcilers/kong/schema"
	"github.com/lockstep/lockstep/reconcilers/kong/secret"
)

// label gives the record its id and tags: those of the manifest, and ours.
func (c *compiler) label(rec *entity.Record, e *v1.Entity, about *schema.Schema, hidden []string) {
	if rec.Row.Kind == v1.KindMember {
		return // it has room for neither
	}
	marks := []string{entity.TagName + entity.Quoted(rec.Key)}
	if e.ID != "" {
		marks[0] = entity.TagName + entity.Quoted(e.Name)
	}
	if !strings.HasPrefix(rec.Service, "@") {
		marks = append(marks, entity.TagService+rec.Service)
	}
	for _, path := range hidden {
		if !strings.HasPrefix(path, "tags") && !slices.Contains(rec.Row.Secrets, path) {
			marks = append(marks, entity.TagHidden+entity.Quoted(path))
		}
	}
	v := secret.Veil{Seal: c.Names.Seal, ID: rec.ID}
	if mark := about.Sealed(rec, v); mark != "" {
		marks = append(marks, entity.TagSecret+mark)
	}
	for _, name := range about.Given(rec) {
		marks = append(marks, entity.TagGiven+name)
	}
	given, _ := rec.Body["tags"].([]any)
	for _, tag := range given {
		if text, ok := tag.(string); ok && !strings.HasPrefix(text, entity.OwnTags) {
			marks = append(marks, text)
		}
	}
	tags := make([]any, 0, len(marks)+1)
	for _, tag := range slices.Compact(c.Names.Tags(marks...)) {
		tags = append(tags, tag)
	}
	rec.Body["tags"], rec.Body["id"] = tags, rec.ID
	c.Names.Sign(rec)
}

// spell turns spellings that only exist in requests into what Kong keeps.
func spell(r *entity.Record) (message, fix string) {
	switch r.Row.Kind {
	case v1.KindService:
		return spellURL(r)
	case v1.KindTarget:
		if target, _ := r.Body["target"].(string); target != "" {
			if _, _, err := net.SplitHostPort(target); err != nil {
				target = net.JoinHostPort(strings.Trim(target, "[]"), "8000")
			}
			r.Body["target"] = entity.Address(target)
		}
	case v1.KindRoute:
		protocols, _ := r.Body["protocols"].([]any)
		if grpc := slices.Contains(protocols, any("grpc")) || slices.Contains(protocols, any("grpcs")); grpc && r.Body["strip_path"] == nil {
			r.Body["strip_path"] = false // Kong's default is another there
		}
	}
	return "", ""
}

func spellURL(r *entity.Record) (message, fix string) {
	text, given := r.Body["url"].(string)
	if !given {
		return "", ""
	}
	delete(r.Body, "url")
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
	r.Body["protocol"], r.Body["host"], r.Body["port"] = u.Scheme, u.Hostname(), number
	if u.EscapedPath() != "" {
		r.Body["path"] = u.EscapedPath()
	}
	return "", ""
}

// hideURL returns the paths at which secrets stand, with those that a url which is one
// was turned into. Its protocol and port tell nothing.
func hideURL(r *entity.Record, hidden []string) []string {
	at := slices.Index(hidden, "url")
	if at < 0 {
		return hidden
	}
	hidden = slices.Delete(slices.Clone(hidden), at, at+1)
	for _, name := range []string{"host", "path"} {
		if text, given := r.Body[name].(string); given && text != "/" {
			hidden = append(hidden, name)
			r.Secrets = append(r.Secrets, secret.Spellings(text)...)
		}
	}
	return hidden
}
