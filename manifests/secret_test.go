package manifests

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/internal/testca"
)

// pair makes a certificate for a name and its key, in PEM.
func pair(t *testing.T, name string) (chain, key string) {
	t.Helper()
	return testca.SelfSigned(t, x509.Certificate{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: time.Now().Add(24 * time.Hour)})
}

// certificate writes a Certificate with its spec, one field a line.
func certificate(name string, spec ...string) string {
	return fmt.Sprintf("---\napiVersion: lockstep.dev/v1\nkind: Certificate\nmetadata: {name: %s}\nspec:\n  %s\n", name, strings.Join(spec, "\n  "))
}

// indented writes a text as a block below a key.
func indented(text string) string {
	return "|\n    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")
}

func TestCertificatesAreRevealedAndFollowed(t *testing.T) {
	t.Parallel()
	dir, secrets := folder(t), folder(t)
	chain, key := pair(t, "one.test")
	crt, both := filepath.Join(secrets, "tls.crt"), filepath.Join(secrets, "both.pem")
	write(t, both, key+"# a comment that nobody needs\n"+chain)
	write(t, filepath.Join(dir, "tls.yaml"),
		certificate("inline", "certificate: "+indented(chain), "key: "+indented(key))+
			certificate("parts", "certificate: ${file:"+crt+"}", "key: ${file:"+filepath.Join(secrets, "tls.key")+"}")+
			certificate("whole", "file: "+both, "snis: [one.test]", "default: true"))
	w := watch(t, nil, dir)
	names := func() string {
		var out []string
		for _, c := range w.shared.Certificates {
			if c.Chain == "" {
				c.Name += "?"
			}
			out = append(out, c.Name)
		}
		return strings.Join(out, " ")
	}
	w.until("the two that are there, and the name of the other", func() bool { return names() == "inline parts? whole" })
	w.complains("the certificate can't be read")
	write(t, crt, chain)
	write(t, filepath.Join(secrets, "tls.key"), key)
	w.until("all three", func() bool { return names() == "inline parts whole" })
	w.complains("")
	for _, c := range w.shared.Certificates {
		if c.Chain != chain || c.Key.Reveal() != key {
			t.Errorf("%s is not what was written", c.Name)
		}
	}
	if whole := w.shared.Certificates[2]; !whole.Default || len(whole.SNIs) != 1 {
		t.Errorf("the whole one lacks its settings: %+v", whole)
	}

	chain2, key2 := pair(t, "one.test")
	rename(t, both, chain2+key2)
	w.until("the new one", func() bool {
		return w.shared.Certificates[2].Chain == chain2 && w.shared.Certificates[2].Key.Reveal() == key2
	})
	rename(t, both, chain+key2) // no pair: what was there stays
	w.complains("the certificate and the key are no pair")
	if got := w.shared.Certificates[2]; got.Chain != chain2 {
		t.Error("a pair that is none took the place of one that was")
	}
	must(t, os.Remove(both))
	w.complains("no such file")
	rename(t, both, chain+key)
	w.complains("")
	w.until("the first again", func() bool { return w.shared.Certificates[2].Chain == chain })
	secret := strings.Split(key2, "\n")[1]
	if said := fmt.Sprintf("%s %+v", w.said(), w.watcher.State()); strings.Contains(said, secret) {
		t.Errorf("the key shows in: %s", said)
	}
}

func TestInlinePairsAreCheckedOffline(t *testing.T) {
	t.Parallel()
	chain, _ := pair(t, "one.test")
	_, key := pair(t, "two.test")
	report := Validate(map[string][]byte{"tls.yaml": []byte(certificate("x", "certificate: "+indented(chain), "key: "+indented(key)))}, nil)
	if said := fmt.Sprint(report.Problems); !strings.Contains(said, "tls.yaml:6:16") || !strings.Contains(said, "no pair") {
		t.Errorf("want the place and that they are no pair, got %s", said)
	}
}

// TestSettingsOfPluginsOnLabelsAreRevealed: a plugin that is declared apart, on a route that
// labels make, has its secrets looked up, and withholds the service as long as they lack.
func TestSettingsOfPluginsOnLabelsAreRevealed(t *testing.T) {
	t.Parallel()
	dir, secrets := folder(t), folder(t)
	password := filepath.Join(secrets, "password")
	write(t, filepath.Join(dir, "a.yaml"), plugin("ldap-auth", "route: a.public, config: {password: '${file:"+password+"}'}"))
	w := watch(t, nil, dir)
	w.complains("password of the plugin ldap-auth: stat " + password)
	if why := w.declared["a"].Withheld; why == nil {
		t.Error("without its password the service is not withheld")
	}
	write(t, password, "planted\n")
	w.complains("")
	if d := w.declared["a"]; d.Withheld != nil || d.OnRoutes["a.public"][0].Settings[0].Value != "planted" || !d.OnRoutes["a.public"][0].Settings[0].Secret {
		t.Errorf("it is not revealed: %+v", d)
	}
	if said := fmt.Sprintf("%s %+v", w.said(), w.watcher.State()); strings.Contains(said, "planted") {
		t.Errorf("the password shows in: %s", said)
	}
}

func TestSettingsOfPluginsAreRevealed(t *testing.T) {
	dir, secrets := folder(t), folder(t)
	t.Setenv("LOCKSTEP_TEST_USER", "bob")
	password := filepath.Join(secrets, "password")
	write(t, filepath.Join(dir, "a.yaml"), "apiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: a}\nspec:\n  paths: [/1]\n"+
		"  plugins:\n    ldap-auth: {config: {user: '${env:LOCKSTEP_TEST_USER}', password: '${file:"+password+"}'}}\n")
	w := watch(t, nil, dir)
	w.complains("password of the plugin ldap-auth: stat " + password)
	w.has("a: /1") // withheld: without its password the plugin might let everybody through
	if why := w.declared["a"].Withheld; why == nil || !strings.Contains(why.Message, "password of the plugin ldap-auth") {
		t.Errorf("it is withheld because of %v", why)
	}
	write(t, password, "planted\n")
	w.complains("")
	if why := w.declared["a"].Withheld; why != nil {
		t.Errorf("it is still withheld: %v", why)
	}
	settings := func() string {
		for _, p := range w.declared["a"].Service.Plugins {
			return p.Settings[0].Value + " " + p.Settings[1].Value
		}
		return ""
	}
	if got := settings(); got != "planted bob" {
		t.Errorf("the settings are %q", got)
	}
	if said := fmt.Sprintf("%s %+v", w.said(), w.watcher.State()); strings.Contains(said, "planted") {
		t.Errorf("the password shows in: %s", said)
	}
}

// TestSecretsAreLookedAtUnheard: when it is time to look at everything, secrets are part of it.
func TestSecretsAreLookedAtUnheard(t *testing.T) {
	t.Parallel()
	password := filepath.Join(folder(t), "password")
	write(t, password, "old\n")
	w := Link([]Candidate{candidate(t, "a.yaml", false, plugin("ldap-auth", "service: a, config: {password: '${file:"+password+"}'}"))}).World
	r := newRevealer()
	value := func(d Declaration) string {
		if d.Services["a"] == nil {
			return ""
		}
		return d.Services["a"].Service.Plugins[0].Settings[0].Value
	}
	if got := value(r.reveal(w, all(w))); got != "old" {
		t.Fatalf("the password is %q", got)
	}
	write(t, password, "new\n")
	e := newEars(nil)
	defer e.close()
	must(t, e.idle(t.Context(), time.Millisecond))
	if !e.due || e.secret {
		t.Fatalf("after a time in which nothing was heard: due %t, heard %t", e.due, e.secret)
	}
	if got := value(r.reveal(w, nil)); got != "" {
		t.Errorf("nobody said that it is time, and the password is %q", got)
	}
	r.follow(false)
	if got := value(r.reveal(w, nil)); got != "new" {
		t.Errorf("the password is %q", got)
	}
}

// TestReferencesInListsAreRevealed: each stands for its secret, at any depth, and the list
// is one secret then. As long as one lacks, the service is withheld.
func TestReferencesInListsAreRevealed(t *testing.T) {
	dir, secrets := folder(t), folder(t)
	t.Setenv("LOCKSTEP_TEST_HEADER", `x-key:pl"anted`)
	session := filepath.Join(secrets, "session")
	write(t, filepath.Join(dir, "a.yaml"), "apiVersion: lockstep.dev/v1\nkind: Service\nmetadata: {name: a}\nspec:\n  paths: [/1]\n"+
		"  plugins:\n    saml: {config: {add: ['${env:LOCKSTEP_TEST_HEADER}', 'x-n:${'], idle: [1.50, <b>], list: [{secret: '${file:"+session+"}', days: 12345678901234567}, [true]]}}\n")
	w := watch(t, nil, dir)
	w.complains("add holds ${…} that is no reference")
	write(t, filepath.Join(dir, "a.yaml"), strings.ReplaceAll(string(read(t, filepath.Join(dir, "a.yaml"))), "'x-n:${'", "'x-n:1'"))
	w.complains("list of the plugin saml: stat " + session)
	if w.declared["a"].Withheld == nil {
		t.Error("without its secret the service is not withheld")
	}
	write(t, session, "planted\n")
	w.complains("")
	d := w.declared["a"]
	if d.Withheld != nil {
		t.Fatalf("it is still withheld: %v", d.Withheld)
	}
	var got []string
	for _, s := range d.Service.Plugins[0].Settings {
		got = append(got, fmt.Sprint(s.Path, " ", s.Value, " ", s.Secret))
	}
	want := []string{`add ["x-key:pl\"anted","x-n:1"] true`, `idle [1.5,"\u003cb\u003e"] false`, `list [{"days":12345678901234567,"secret":"planted"},[true]] true`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	if said := fmt.Sprintf("%s %+v", w.said(), w.watcher.State()); strings.Contains(said, "anted") {
		t.Errorf("a secret shows in: %s", said)
	}
}

// TestSecretRemedy: a variable comes with a start alone, a file may be mended meanwhile.
func TestSecretRemedy(t *testing.T) {
	t.Parallel()
	for reference, want := range map[string]string{
		"env:LOCKSTEP_TEST_NOT_SET": "start the daemon anew",
		"file:/nonexistent/secret":  "see that the daemon can read it",
	} {
		value, err := ParseReference(reference)
		if err != nil {
			t.Fatal(err)
		}
		_, err = value.Reveal()
		if said := SecretRemedy(fmt.Errorf("within: %w", err)); !strings.Contains(said, want) {
			t.Errorf("%s: %q, want %q", reference, said, want)
		}
	}
}

// TestUnsetVariableIsTold: of a file that is good but for a secret nobody says that an earlier
// version of it stays.
func TestUnsetVariableIsTold(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	write(t, filepath.Join(dir, "a.yaml"), `apiVersion: lockstep.dev/v1
kind: Service
metadata: {name: a}
spec: {paths: [/1], plugins: {key-auth: {config: {realm: '${env:LOCKSTEP_TEST_NOT_SET}'}}}}
`)
	w := watch(t, nil, dir)
	w.complains("start the daemon anew")
	if said := w.said(); !strings.Contains(said, "what a manifest refers to can't be looked up") || strings.Contains(said, "last good version") {
		t.Errorf("it is logged so:\n%s", said)
	}
}

// TestMissingSecretIsOneStill: a secret that comes later is the same declaration for history,
// which keeps no secrets.
func TestMissingSecretIsOneStill(t *testing.T) {
	at := v1.Origin{File: "a.yaml", Line: 3, Column: 3}
	declared := &v1.Declared{Service: v1.NewService("a")}
	declared.Service.Plugins = []v1.Plugin{{Name: "key-auth", Enabled: true, Origin: at, Settings: []v1.Setting{{Path: "realm", Value: "${env:LOCKSTEP_TEST_LATER}", Origin: at}}}}
	r := newRevealer()
	before := r.service("a", declared)
	t.Setenv("LOCKSTEP_TEST_LATER", "planted")
	after := r.service("a", declared)
	if before.Withheld == nil || after.Withheld != nil {
		t.Fatalf("withheld: %v, then %v", before.Withheld, after.Withheld)
	}
	if was, is := before.Service.WithoutSecrets(), after.Service.WithoutSecrets(); !reflect.DeepEqual(was, is) {
		t.Errorf("history would see two declarations: %+v, %+v", was, is)
	}
}
