package haproxy

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/digest"
	"github.com/lockstep/lockstep/reconcilers"
	"github.com/lockstep/lockstep/reconcilers/haproxy/config"
	"github.com/lockstep/lockstep/reconcilers/haproxy/crt"
	"github.com/lockstep/lockstep/reconcilers/haproxy/disk"
	"github.com/lockstep/lockstep/reconcilers/haproxy/routemap"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// goldenInput is what a story begins with.
type goldenInput struct {
	Mode         Mode          `json:"mode"`
	Binds        []string      `json:"binds"`
	TCPPorts     []string      `json:"tcp_ports"`
	TLSBinds     []string      `json:"tls_binds"`
	Passthrough  bool          `json:"tls_passthrough"`
	Certificates []string      `json:"certificates"` // names of certificates that the test makes, of a name each
	User         string        `json:"user"`         // the user's haproxy.cfg
	Listeners    []v1.Listener `json:"listeners"`
	Services     []*v1.Service `json:"services"`
}

// TestRender renders services and compares every file of ours, and what could
// not be expressed, with the golden one. HAProxy itself must accept the set.
func TestRender(t *testing.T) {
	stories, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(stories) == 0 {
		t.Fatal("no stories", err)
	}
	for _, story := range stories {
		t.Run(strings.TrimSuffix(filepath.Base(story), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(story)
			if err != nil {
				t.Fatal(err)
			}
			var input goldenInput
			if err := json.Unmarshal(archive.Files[0].Data, &input); err != nil {
				t.Fatalf("%s: %v", archive.Files[0].Name, err)
			}
			got := []txtar.File{archive.Files[0]}
			got = append(got, renderStory(t, input)...)
			if *update {
				if err := os.WriteFile(story, txtar.Format(&txtar.Archive{Comment: archive.Comment, Files: got}), 0o644); err != nil { //nolint:gosec // a file of the repository
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(texts(archive.Files), texts(got)); d != "" {
				t.Fatalf("(-golden +got, go test -update rewrites it)\n%s", d)
			}
		})
	}
}

func texts(files []txtar.File) map[string]string {
	out := map[string]string{}
	for _, file := range files {
		out[file.Name] = string(file.Data)
	}
	return out
}

// renderStory returns our files; names that differ from run to run are replaced.
func renderStory(t *testing.T, input goldenInput) []txtar.File {
	t.Helper()
	dir := t.TempDir()
	options := Options{Mode: input.Mode, Owner: "lockstep", Binds: input.Binds, TLSBinds: input.TLSBinds, TLSPassthrough: input.Passthrough, TCPPorts: input.TCPPorts, Dir: filepath.Join(dir, "lockstep"), StatsSocket: "/run/stats.sock", MasterSocket: "/run/master.sock", Spares: 2}
	if input.User != "" {
		file := filepath.Join(dir, "haproxy.cfg")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(input.User, "DIR", options.Dir)), 0o600); err != nil {
			t.Fatal(err)
		}
		options.ConfigFiles = []string{file}
	}
	r, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	set := v1.Set{}
	for _, s := range input.Services {
		set[s.Name] = s
	}
	shared := v1.Shared{Listeners: input.Listeners}
	a := newAuthority(t)
	for _, name := range input.Certificates {
		shared.Certificates = append(shared.Certificates, a.declare(name, name+".test", "*."+name+".test"))
	}
	r.model = config.New("lockstep")
	r.table = routemap.New("lockstep", r.model)
	printed, _, err := r.Render(set, shared)
	if err != nil {
		t.Fatal(err)
	}
	state, problems := r.Compile(reconcilers.Scope{}, set, shared)
	var steps []*step
	for _, change := range diff(nil, state).Changes {
		steps = append(steps, &step{change: change})
	}
	if err := r.fillDefault(steps); err != nil {
		t.Fatal(err)
	}
	want, table := r.wanted(steps)
	if err := os.Mkdir(options.Dir, 0o755); err != nil { //nolint:gosec // HAProxy may be another user
		t.Fatal(err)
	}
	files, err := r.dir.StageAll(want.Content())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.dir.CommitAll(files), r.writeMaps(want, table), crt.Write(r.dir, want.Certs)); err != nil {
		t.Fatal(err)
	}
	acceptable(t, r)
	sameAgain(t, r, want)
	samePrinted(t, r, printed)
	var golden []txtar.File
	for _, name := range append(want.Files(), disk.Routes, disk.Patterns, disk.Hosts, disk.Certificates) {
		text, err := r.dir.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		if text != nil {
			golden = append(golden, txtar.File{Name: name, Data: []byte(strings.NewReplacer(options.Dir, "DIR", digest.Of(options.Dir), "DIGEST", want.Generation(), "GENERATION").Replace(string(text)))})
		}
	}
	var said strings.Builder
	for _, problem := range problems {
		said.WriteString(problem.Error() + "\n")
	}
	return append(golden, txtar.File{Name: "problems", Data: []byte(said.String())})
}

// samePrinted holds what is printed against the files that are there. A list of certificates
// names one that is made anew each time.
func samePrinted(t *testing.T, r *Reconciler, printed []reconcilers.File) {
	t.Helper()
	seen := map[string]bool{}
	for _, file := range printed {
		text, err := r.dir.Read(file.Name)
		if err != nil || file.Path != r.dir.File(file.Name) {
			t.Fatal(file, err)
		}
		if d := cmp.Diff(string(text), file.Text); d != "" && file.Name != disk.Certificates {
			t.Errorf("%s (-written +printed)\n%s", file.Name, d)
		}
		seen[file.Name] = true
	}
	entries, err := os.ReadDir(r.o.Dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		read := slices.Contains([]string{".cfg", ".map", ".list", ".html", ".pem"}, filepath.Ext(entry.Name())) // by HAProxy
		if read && !seen[entry.Name()] {
			t.Errorf("%s is not printed", entry.Name())
		}
	}
}

// acceptable asks HAProxy, where there is one, about the whole set of files.
func acceptable(t *testing.T, r *Reconciler) {
	t.Helper()
	if _, err := exec.LookPath("haproxy"); err != nil {
		t.Log("haproxy is not installed: its opinion is not asked")
		return
	}
	files, err := r.dir.Configs(nil)
	if err != nil {
		t.Fatal(err)
	}
	arguments := []string{"-W", "-dW", "-c"} // a warning is an error
	for _, file := range slices.Concat(r.o.ConfigFiles, files) {
		arguments = append(arguments, "-f", file)
	}
	output, err := exec.CommandContext(t.Context(), "haproxy", arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
}

// sameAgain reads the files back and renders them again.
func sameAgain(t *testing.T, r *Reconciler, want *config.Model) {
	t.Helper()
	files, err := r.dir.ReadConfigs()
	if err != nil {
		t.Fatal(err)
	}
	routes, err := r.dir.Read(disk.Routes)
	if err != nil {
		t.Fatal(err)
	}
	again := config.Parse(r.o.Owner, files, routes)
	if again.Certs, err = crt.Read(r.dir); err != nil {
		t.Fatal(err)
	}
	if same, err := crt.Says(r.dir, again.Certs); err != nil || !same || len(again.Certs) != len(want.Certs) {
		t.Fatalf("certificates read back: %v %v, want %v", again.Certs, err, want.Certs)
	}
	if d := cmp.Diff(renderAll(want), renderAll(again)); d != "" || !again.Says(files) {
		t.Fatalf("read back (-written +read)\n%s", d)
	}
	if d := cmp.Diff(string(routes), string(routemap.New(r.o.Owner, again).Render())); d != "" {
		t.Fatalf("map read back (-written +read)\n%s", d)
	}
}

// renderAll returns the text of every file by its name.
func renderAll(m *config.Model) map[string]string {
	all := map[string]string{}
	for _, name := range m.Files() {
		all[name] = string(m.Render(name))
	}
	return all
}
