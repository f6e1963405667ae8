package policy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// rule makes a policy of one rule.
func rule(tb testing.TB, when, require string) Set {
	tb.Helper()
	r := Rule{Message: "refused", Origin: v1.Origin{File: "p.yaml", Line: 6, Column: 7}}
	for text, to := range map[string]**Condition{when: &r.When, require: &r.Require} {
		if text == "" {
			continue
		}
		made, fault := Compile(text)
		if fault != nil {
			tb.Fatalf("%s: %+v", text, fault)
		}
		*to = made
	}
	return Set{{Name: "p", Rules: []Rule{r}}}
}

// claim is one of a container with one route.
func claim(change func(*Claim, *v1.Route)) Claim {
	route := v1.Route{Name: "shop.web.default", Origin: v1.Origin{Container: "web-1", Label: "lockstep.hosts"}}
	c := Claim{
		Source: FromLabels, Container: "web-1", Project: "shop", Port: 8080, Gateways: []v1.Way{v1.KongHAProxy},
		Labels:  map[string]string{"team": "blue", stackLabel: "prod"},
		Service: v1.Service{Name: "shop.web"}, Origin: v1.Origin{Container: "web-1"},
	}
	change(&c, &route)
	if route.Name != "" {
		c.Service.Routes = append(c.Service.Routes, route)
	}
	return c
}

func TestWhatRulesSee(t *testing.T) {
	same := func(*Claim, *v1.Route) {}
	on := func(names ...string) (out []v1.Plugin) {
		for _, name := range names {
			out = append(out, v1.Plugin{Name: strings.TrimRight(name, "?-"), Enabled: !strings.HasSuffix(name, "-"), Optional: strings.HasSuffix(name, "?")})
		}
		return out
	}
	for name, c := range map[string]struct {
		when, require string
		change        func(*Claim, *v1.Route)
		refused       int
	}{
		"its container":           {"", `source == "labels" && container == "web-1" && project == "shop" && stack == "prod" && labels["team"] == "blue"`, same, 0},
		"its service":             {"", `service == "shop.web" && protocol == "http" && gateways == ["kong>haproxy"] && port == 8080`, same, 0},
		"its route":               {"", `route == "default" && hosts == [] && paths == [] && methods == [] && protocols == [] && listen == [] && snis == [] && priority == 0 && plugins == []`, same, 0},
		"another project":         {"", `project == "other"`, same, 1},
		"when does not apply":     {`project == "other"`, `false`, same, 0},
		"when applies":            {`project == "shop"`, `false`, same, 1},
		"no route, about routes":  {"", `hosts == ["never"]`, func(_ *Claim, r *v1.Route) { r.Name = "" }, 0},
		"no route, about service": {"", `service == "other"`, func(_ *Claim, r *v1.Route) { r.Name = "" }, 1},
		"one of two routes": {"", `hosts == []`, func(c *Claim, _ *v1.Route) {
			c.Service.Routes = []v1.Route{{Name: "shop.web.admin", Hosts: []string{"admin.test"}}}
		}, 1},
		"a service's plugin":         {"", `"key-auth" in plugins`, func(c *Claim, _ *v1.Route) { c.Service.Plugins = on("key-auth") }, 0},
		"a route's plugin":           {"", `plugins == ["cors", "jwt"]`, func(c *Claim, r *v1.Route) { c.Service.Plugins, r.Plugins = on("cors"), on("jwt") }, 0},
		"a plugin that is off":       {"", `"key-auth" in plugins`, func(c *Claim, _ *v1.Route) { c.Service.Plugins = on("key-auth-") }, 1},
		"a plugin that may be left":  {"", `"key-auth" in plugins`, func(c *Claim, _ *v1.Route) { c.Service.Plugins = on("key-auth?") }, 1},
		"turned off by its route":    {"", `"key-auth" in plugins`, func(c *Claim, r *v1.Route) { c.Service.Plugins, r.Plugins = on("key-auth"), on("key-auth-") }, 1},
		"a port has no name":         {"", `!hosts.overlap("*.test") && hosts != []`, func(_ *Claim, r *v1.Route) { r.Listen = []int{5672} }, 0},
		"TLS that is passed on":      {"", `!hosts.overlap("a.test")`, func(_ *Claim, r *v1.Route) { r.SNIs = []string{"a.test"} }, 1},
		"a label that is not there":  {"", `labels["nobody"] == "x"`, same, 1},
		"asked whether it is there":  {"", `!("nobody" in labels)`, same, 0},
		"when can't be told":         {`labels["nobody"] == "x"`, `true`, same, 1},
		"an index that is not there": {"", `paths[3] == "/"`, same, 1},
	} {
		t.Run(name, func(t *testing.T) {
			problems := rule(t, c.when, c.require).Judge(claim(c.change))
			if len(problems) != c.refused {
				t.Fatalf("refused %v, want %d", problems, c.refused)
			}
			for _, p := range problems {
				if p.Reason != v1.PolicyDenied || !strings.HasPrefix(p.Message, "refused") || !strings.Contains(p.Fix, "the policy p changed (p.yaml:6:7)") || p.Origin.IsZero() && p.Object.Name != "shop.web.admin" {
					t.Errorf("the problem lacks something: %+v", p)
				}
			}
		})
	}
}

func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		hosts   string // separated by commas
		pattern string
		want    bool
	}{
		{"", "*.shop.test", true}, // any host
		{"a.shop.test", "*.shop.test", true}, {"A.Shop.Test", "*.SHOP.test", true}, {"a.b.shop.test", "*.shop.test", true},
		{"shop.test", "*.shop.test", false}, {"myshop.test", "*.shop.test", false}, {"shop.test.evil", "*.shop.test", false},
		{"*.test", "*.shop.test", true}, {"*.a.shop.test", "*.shop.test", true}, {"*.other.test", "*.shop.test", false}, {"*.myshop.test", "*.shop.test", false},
		{"shop.*", "shop.test", true}, {"shop.*", "*.shop.test", true}, {"other.*", "shop.test", false}, {"shop.*", "shop.*", true}, {"shop.*", "other.*", false},
		{"shop.test", "shop.test", true}, {"shop.test", "shop.tes", false}, {"other.test,shop.test", "shop.test", true},
	} {
		t.Run(c.hosts+" "+c.pattern, func(t *testing.T) {
			refused := rule(t, "", fmt.Sprintf("!hosts.overlap(%q)", c.pattern)).Judge(claim(func(_ *Claim, r *v1.Route) {
				if c.hosts != "" {
					r.Hosts = strings.Split(c.hosts, ",")
				}
			}))
			if got := len(refused) > 0; got != c.want {
				t.Errorf("overlap is %t, want %t", got, c.want)
			}
		})
	}
}

// TestCostIsBounded: a rule that takes too long refuses, and soon.
func TestCostIsBounded(t *testing.T) {
	labels := map[string]string{}
	for i := range 300 {
		labels[fmt.Sprint("label", i)] = strings.Repeat("x", 50)
	}
	for _, text := range []string{
		`labels.all(a, labels.all(b, labels.all(c, labels[a].contains(labels[b]) || c != "")))`,
		`labels.all(a, labels.all(b, labels[a].matches("(x+x+)+y") || true))`,
	} {
		problems := rule(t, "", text).Judge(claim(func(c *Claim, _ *v1.Route) { c.Labels = labels }))
		if len(problems) != 1 || !strings.Contains(problems[0].Message, "cost limit exceeded") {
			t.Errorf("%s: %v, want it to cost too much", text, problems)
		}
	}
}

// TestWhatGrowsCostsToo: what makes a long text of short ones counts by what it makes, or
// a rule could fill the memory with a label.
func TestWhatGrowsCostsToo(t *testing.T) {
	for _, text := range []string{
		`labels["long"].replace("a", labels["long"]).replace("a", labels["long"]).size() > 0`,
		`labels["long"].split("").join(labels["long"]).split("").size() > 0`,
	} {
		problems := rule(t, "", text).Judge(claim(func(c *Claim, _ *v1.Route) { c.Labels = map[string]string{"long": strings.Repeat("a", 500)} }))
		if len(problems) != 1 || !strings.Contains(problems[0].Message, "cost limit exceeded") {
			t.Errorf("%s: %v, want it to cost too much", text, problems)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for text, want := range map[string]Fault{
		"":                                {Message: "the expression is empty"},
		`projekt == "a"`:                  {1, 1, `unknown name "projekt"`, "did you mean project?"},
		`project = "a"`:                   {Line: 1, Column: 9, Message: "the expression can't be read: Syntax error"},
		`project`:                         {Message: "the expression gives string, not true or false"},
		`port == "80"`:                    {Line: 1, Column: 6, Message: "the expression can't be read: found no matching overload for '_==_'"},
		"true &&\n  nobody":               {2, 3, `unknown name "nobody"`, "use one of: source"},
		`true && foo (project)`:           {1, 9, `unknown function "foo"`, "use one of: all, bool, bytes, charAt, contains,"},
		`"ü" != hosts.overlaps("a.test")`: {1, 14, `unknown function "overlaps"`, "did you mean overlap?"},
		`hosts.overlap(1)`:                {Line: 1, Column: 14, Message: "the expression can't be read: found no matching overload for 'overlap'"},
		strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200): {Message: "the expression can't be read"},
		strings.Repeat("true && ", 1000) + "true":                    {Message: "the expression can't be read"},
	} {
		name := text[:min(len(text), 20)]
		t.Run(name, func(t *testing.T) {
			_, fault := Compile(text)
			if fault == nil || !strings.HasPrefix(fault.Message, want.Message) || !strings.HasPrefix(fault.Fix, want.Fix) ||
				want.Line > 0 && cmp.Diff([]int{want.Line, want.Column}, []int{fault.Line, fault.Column}) != "" {
				t.Errorf("got %+v, want %+v", fault, want)
			}
			if fault != nil && (fault.Fix == "" || strings.ContainsAny(fault.Message+fault.Fix, "\n\t")) {
				t.Errorf("this can't be shown: %+v", fault)
			}
		})
	}
}

// BenchmarkJudge is what one container costs under the three rules of the page.
func BenchmarkJudge(b *testing.B) {
	set := Set{
		rule(b, "", `project == "shop" || !hosts.overlap("*.shop.example.com")`)[0],
		rule(b, "", `source != "labels" || protocol != "tcp"`)[0],
		rule(b, `protocol == "http" && !hosts.all(h, h.endsWith(".internal"))`, `sets.intersects(plugins, ["key-auth", "jwt"])`)[0],
	}
	c := claim(func(c *Claim, r *v1.Route) {
		r.Hosts, c.Service.Plugins = []string{"a.shop.example.com", "b.shop.example.com"}, []v1.Plugin{{Name: "jwt", Enabled: true}}
	})
	for b.Loop() {
		if len(set.Judge(c)) > 0 {
			b.Fatal("refused")
		}
	}
}

// FuzzCompile: whatever a rule says, it compiles or is named; it never panics, and what
// is said fits on a line.
func FuzzCompile(f *testing.F) {
	for _, text := range []string{`project == "shop"`, `hosts.all(h, h.endsWith(".a"))`, `labels["a"] == "b" && size(paths) > 1`, `((((`, "\x00", `"a`, `hosts.overlap("*.a")`, `port / 0 == 1`, `[1,2][5] == 3`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		began := time.Now()
		made, fault := Compile(text)
		if d := time.Since(began); d > 5*time.Second {
			t.Fatalf("it took %s to read", d)
		}
		if fault != nil {
			if fault.Message == "" || fault.Fix == "" || strings.ContainsAny(fault.Message+fault.Fix, "\n\x00\x1b") {
				t.Errorf("this can't be shown: %+v", fault)
			}
			return
		}
		set := Set{{Name: "p", Rules: []Rule{{Require: made, Message: "refused"}}}}
		for _, p := range set.Judge(claim(func(*Claim, *v1.Route) {})) {
			if strings.ContainsAny(p.Error(), "\n\x00\x1b") {
				t.Errorf("this can't be shown: %q", p.Error())
			}
		}
	})
}

// TestLongNonsenseIsReadSoon: who writes a policy can't stop the daemon with it.
func TestLongNonsenseIsReadSoon(t *testing.T) {
	for _, piece := range []string{"(", "[", "{", "{a:", "a?", "a?a:", "-", "!", "-(", "a[", "a.b(", "\"", "1+", "a ", "é", "@", "a&&", "a||b&&", "a.all(b,", "[a,", "(a+", "'\\"} {
		for _, length := range []int{90, 400, maxText} {
			text := strings.Repeat(piece, length/len(piece))
			began := time.Now()
			if _, fault := Compile(text); fault == nil {
				t.Errorf("%q… compiles", piece)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("%d times %q took %s", length/len(piece), piece, took)
			}
		}
	}
}
