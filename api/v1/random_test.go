package v1

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestRandomLabels makes containers out of words of the grammar and pieces of
// values, good and nasty, and holds the answers against what is promised. It
// reaches deeper than the fuzzer, which has to find the words first.
func TestRandomLabels(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	outcomes := map[string]int{}
	for range 20_000 {
		labels := map[string]string{"lockstep.enable": "true"}
		tidy := random.IntN(2) == 0 // half of the containers have few mistakes
		split := random.IntN(3) == 0
		for range random.IntN(8) {
			key, value := randomLabel(random, tidy, split)
			labels[key] = value
		}
		subject := Subject{Container: "web-1", Project: "shop", Service: "web", Labels: labels}
		d, problems := Grammar{Prefix: "lockstep."}.Decode(subject)
		checkAnswer(t, d, problems)
		if t.Failed() {
			t.Fatalf("the labels were %q", labels)
		}
		switch {
		case len(problems) > 0:
			outcomes["problems"]++
		case len(d.Services) > 1:
			outcomes["services"]++
		case len(d.Services[0].Service.Routes) > 0:
			outcomes["routes"]++
		}
		if len(problems) == 0 {
			checkTakenAlone(t, subject, d)
		}
	}
	for _, outcome := range []string{"problems", "services", "routes"} {
		if outcomes[outcome] < 300 {
			t.Errorf("only %d containers had %s: the test says little", outcomes[outcome], outcome)
		}
	}
}

// checkTakenAlone holds that one wrong label takes everything along.
func checkTakenAlone(t *testing.T, subject Subject, d Declaration) {
	t.Helper()
	worse := subject
	worse.Labels = maps.Clone(subject.Labels)
	worse.Labels["lockstep.plugins.pre-function"] = "true"
	got, problems := Grammar{Prefix: "lockstep."}.Decode(worse)
	if len(got.Services) > 0 || len(problems) != 1 || len(d.Services) == 0 {
		t.Fatalf("one wrong label among %q gives %d services, %v", worse.Labels, len(got.Services), problems)
	}
}

func randomLabel(random *rand.Rand, tidy, split bool) (key, value string) {
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	f := &rows[random.IntN(len(rows))]
	if tidy && (f.needs != nil || f.Protocols != nil && !slices.Contains(f.Protocols, HTTP)) { // says nothing alone
		f = &rows[random.IntN(len(rows))]
	}
	example, value, _ := strings.Cut(f.Example, "=")
	var path []string
	if f.Scope != OfContainer && split {
		path = append(path, "services", pick("a", "b-c"))
	}
	if f.Scope == OfRoute && random.IntN(2) == 0 {
		path = append(path, "routes", pick("default", "r", "x_y"))
	}
	if tidy {
		return "lockstep." + strings.Join(append(path, example), "."), value
	}
	switch random.IntN(6) {
	case 0:
		path = append(path, pick("routes", "services", "routes.r", "", "Routes", "x-y", "services.é", "\n"))
	case 1:
		example = pick(example+"?", example+".x", strings.ToUpper(example), example[1:], strings.ReplaceAll(example, "_", "-"), "plugins.x", "plugins.key-auth", "plugins.cors.config.max_age", "routes.default.plugins.acl?.allow", "\x00", " ", "?")
	}
	var pieces []string
	for range 1 + random.IntN(4) {
		pieces = append(pieces, pick(value, value, ",", "~/", "a", "/", "//", "%2F", "%2f", "%", "*", ".", "[", "]", `"`, "'", "`", "#", "\\", "\n", "\r", "\t",
			" ", "\x00", "\x7f", "\u202e", "é", "{", "}", `["a"]`, "kong", "true", "1", "-", "s", "99999999999", "://", ":", ";", "(", "\xff", "GET", "~*"))
	}
	if random.IntN(2) == 0 {
		value = strings.Join(slices.Clip(pieces), "")
	}
	return "lockstep." + strings.Join(append(path, example), "."), value
}
