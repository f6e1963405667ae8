package compose

import "testing"

func TestIsComposeFile(t *testing.T) {
	for text, want := range map[string]bool{
		"services: {web: {image: web}}":                               true,
		"apiVersion: lockstep.dev/v1\nkind: Service\nservices: {}":    false,
		"_format_version: '3.0'\nservices: [{name: web, host: a}]":    false,
		"_format_version: '3.0'\nservices: []\nroutes: [{name: web}]": false,
		"plugins: []": false,
		"[":           false,
	} {
		if Is([]byte(text)) != want {
			t.Errorf("%q is taken for the other", text)
		}
	}
}
