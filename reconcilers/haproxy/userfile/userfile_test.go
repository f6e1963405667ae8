package userfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep/lockstep/reconcilers/haproxy/bind"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	main := write("haproxy.cfg", `global
  stats socket 127.0.0.1:9999 level admin
  stats socket unix@/run/one.sock mode 660 level admin
  stats socket /run/two.sock level admin
  hard-stop-after 30s
  # tune.ssl.default-dh-param 8192
  tune.ssl.default-dh-param 4096
frontend www
  bind :80,ipv4@10.0.0.1:81 name x
  bind /run/www.sock
  default_backend app
listen stats
  bind *:8404
backend app
  server one 127.0.0.1:1
`)
	if err := os.Mkdir(filepath.Join(dir, "conf.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	more := write("conf.d/more.cfg", "frontend more\n  bind [::1]:82\n")
	write("conf.d/.hidden.cfg", "frontend hidden\n  bind :83\n")
	write("conf.d/notes.txt", "no configuration")
	got, err := Read([]string{main, filepath.Dir(more)})
	if err != nil {
		t.Fatal(err)
	}
	www := "frontend www of " + main
	want := Facts{
		Binds: []Bind{
			{bind.Address{Port: 80}, www}, {bind.Address{Host: "10.0.0.1", Port: 81}, www},
			{bind.Address{Port: 8404}, "listen stats of " + main}, {bind.Address{Host: "::1", Port: 82}, "frontend more of " + more},
		},
		StatsSocket: "/run/one.sock", HardStop: true, DH: 4096,
		Sections: map[string]string{"frontend www": main, "listen stats": main, "backend app": main, "frontend more": more},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if _, err := Read([]string{filepath.Join(dir, "absent")}); err == nil {
		t.Error("a file that is not there is read")
	}
}
