package git

import (
	"fmt"
	"strings"
	"testing"
)

// TestCommitByID: a commit itself never moves, whatever is pushed, and is fetched as cheaply
// as the server allows.
func TestCommitByID(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	var ids []string
	for i := range 4 {
		c.write("a.yaml", service("a", fmt.Sprintf("/%d", i)))
		ids = append(ids, c.commit())
	}
	c.git("tag", "-a", "-m", "a release", "v1", ids[1])
	tag := c.git("rev-parse", "v1")
	w := serveWeb(t, c)
	options := Options{URL: w.URL + "/.git", Password: file(t, "password", password), Authority: authority(t, w)}
	at := func(id string) *follower {
		o := options
		o.Ref = id
		return follow(t, o)
	}
	for name, c := range map[string]struct {
		id   string
		path string
	}{
		"where a branch is": {ids[3], "/3"}, "where a tag leads": {ids[1], "/1"}, "within the history": {ids[0], "/0"}, "in capitals": {strings.ToUpper(ids[2]), "/2"},
	} {
		t.Run(name, func(t *testing.T) { at(c.id).has("a: " + c.path + " " + short(strings.ToLower(c.id))) })
	}

	f := at(ids[0])
	f.has("a: /0 " + short(ids[0]))
	packs := w.packs.Load()
	c.write("a.yaml", service("a", "/new"))
	c.commit()
	asked := f.repository.State().Asked
	f.until("looked again", func() bool { return f.repository.State().Asked.After(asked) })
	f.has("a: /0 " + short(ids[0]))
	if w.packs.Load() != packs {
		t.Error("it was fetched again")
	}

	// One that nobody has is not looked for again until something is pushed.
	none := strings.Repeat("ab", 20)
	f = at(none)
	f.complains("no branch or tag of the repository leads to commit " + none)
	packs = w.packs.Load()
	looks := 0
	f.until("looked again", func() bool { // each look pokes
		looks++
		f.repository.Pull()
		return looks > 3
	})
	if w.packs.Load() != packs {
		t.Error("the whole history was fetched again in vain")
	}
	c.git("update-ref", "refs/heads/other", c.git("commit-tree", "-m", "another", "HEAD^{tree}"))
	f.until("fetched again", func() bool { return w.packs.Load() > packs })

	at(tag).complains("it is the id of a tag")
	at(ids[0][:12]).complains("write all 40 digits")

	// Where the server allows it, the commit comes alone.
	c.git("config", "uploadpack.allowReachableSHA1InWant", "true")
	at(ids[0]).has("a: /0 " + short(ids[0]))
	at(none).complains("can't be followed")

	options.URL = c.dir
	at(ids[2]).has("a: /2 " + short(ids[2]))
	at(none).complains("leads to commit " + none)
	at(tag).complains("it is the id of a tag")
}
