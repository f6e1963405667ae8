package v1

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestSecretIsNeverSeen(t *testing.T) {
	t.Parallel()
	const planted = "hunter2-planted"
	certificate := Certificate{Name: "shop", Key: NewSecret(planted)}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", certificate.Key)
		fmt.Fprintf(&out, verb+"\n", certificate)
		fmt.Fprintf(&out, verb+"\n", &certificate)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("text", "key", certificate.Key, "certificate", certificate)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "key", certificate.Key, "certificate", certificate)
	text, err := json.Marshal(certificate)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	if text, err = yaml.Marshal(certificate); err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	for _, form := range []string{planted, fmt.Sprintf("%x", planted), fmt.Sprintf("%q", []byte(planted))} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the secret shows as %q in:\n%s", form, out.String())
		}
	}
	if !strings.Contains(out.String(), "(secret)") {
		t.Errorf("nothing says that there is a secret:\n%s", out.String())
	}
	if certificate.Key.Reveal() != planted {
		t.Error("Reveal does not return the value")
	}
	if (Secret{}).String() != "" || !(Secret{}).IsZero() {
		t.Error("no value looks like one")
	}
}
