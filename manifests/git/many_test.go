package git

import (
	"fmt"
	"testing"
	"time"
)

// TestManyManifests reads 5,000 manifests of a repository and takes a commit that
// changes one, within what is promised of files.
func TestManyManifests(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds to commit")
	}
	c := newClone(t)
	for i := range 5000 {
		c.write(fmt.Sprintf("m/%02d/s%d.yaml", i/100, i), service(fmt.Sprintf("s%d", i), fmt.Sprintf("/%d", i)))
	}
	c.commit()
	w := serveWeb(t, c)
	began := time.Now()
	f := follow(t, Options{URL: c.dir})
	f.until("all are there", func() bool { return len(f.services) == 5000 })
	t.Logf("in place, at first: %s", time.Since(began))
	c.write("m/00/s7.yaml", service("s7", "/new"))
	tip := c.commit()
	began = time.Now()
	f.until("the one", func() bool { return f.services["s7"] == "/new "+short(tip) })
	t.Logf("in place, one file: %s", time.Since(began))

	began = time.Now()
	over := follow(t, Options{URL: w.URL + "/.git", Password: file(t, "password", password), Authority: authority(t, w)})
	over.until("all are there", func() bool { return len(over.services) == 5000 })
	t.Logf("over https, at first: %s", time.Since(began))
	c.write("m/00/s7.yaml", service("s7", "/newer"))
	tip = c.commit()
	began = time.Now()
	over.until("the one", func() bool { return over.services["s7"] == "/newer "+short(tip) })
	t.Logf("over https, one file: %s", time.Since(began))
}
