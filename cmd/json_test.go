package cmd

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// module is where the types are whose fields have words.
const module = "github.com/lockstep/lockstep/"

// jsonPage says what each command prints for machines, made from the Go types and their
// comments.
func jsonPage(t *testing.T) string {
	t.Helper()
	p := &jsonTypes{t: t, packages: map[string]*words{}, told: map[reflect.Type]bool{}}
	var b strings.Builder
	b.WriteString("## What each command prints\n\n| command | prints |\n|---|---|\n")
	for _, c := range printing(New("test")) {
		f, ok := c.Flags().Lookup("output").Value.(*format)
		if !ok {
			t.Fatalf("%s has a flag --output that is none of ours", c.CommandPath())
		}
		var said []string
		for _, of := range f.types {
			said = append(said, p.say(of))
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", c.CommandPath(), strings.Join(said, ", or with other flags "))
	}
	b.WriteString("\n## The types\n")
	for len(p.wanted) > 0 {
		next := p.wanted[0]
		p.wanted = p.wanted[1:]
		p.tell(&b, next)
	}
	return b.String()
}

// printing returns the commands that print something for machines, in their order.
func printing(c *cobra.Command) []*cobra.Command {
	var found []*cobra.Command
	if c.Runnable() && c.Flags().Lookup("output") != nil {
		found = append(found, c)
	}
	for _, sub := range c.Commands() {
		found = append(found, printing(sub)...)
	}
	return found
}

// jsonTypes tells types, each once.
type jsonTypes struct {
	t        *testing.T
	packages map[string]*words // by path
	told     map[reflect.Type]bool
	wanted   []reflect.Type
}

// say names a type as JSON has it.
func (p *jsonTypes) say(of reflect.Type) string {
	switch {
	case of == reflect.TypeFor[time.Time]():
		return "time (RFC 3339)"
	case of == reflect.TypeFor[time.Duration]():
		return "duration in nanoseconds"
	case of == reflect.TypeFor[json.RawMessage](), of.Kind() == reflect.Interface:
		return "anything"
	case of.Kind() == reflect.Pointer:
		return p.say(of.Elem())
	case of.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return "text"
	}
	switch of.Kind() {
	case reflect.Slice:
		return "list of " + p.say(of.Elem())
	case reflect.Map:
		return fmt.Sprintf("map of %s by %s", p.say(of.Elem()), p.say(of.Key()))
	case reflect.Struct:
		return p.link(of)
	case reflect.String:
		if of.PkgPath() != "" && len(p.wordsOf(of).values[of.Name()]) > 0 {
			return p.link(of)
		}
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Uint16, reflect.Uint64, reflect.Uint32, reflect.Uint8, reflect.Float64:
		return "number"
	default:
		p.t.Fatalf("the page can't say what %s is in JSON", of)
		return ""
	}
}

// link points to where a type is told, and has it told.
func (p *jsonTypes) link(of reflect.Type) string {
	if !p.told[of] {
		p.told[of] = true
		p.wanted = append(p.wanted, of)
	}
	name := typeName(of)
	return fmt.Sprintf("[%s](#%s)", name, strings.ToLower(strings.ReplaceAll(name, ".", "")))
}

func typeName(of reflect.Type) string { return strings.TrimPrefix(of.String(), "cmd.") }

// tell writes a type's part of the page.
func (p *jsonTypes) tell(b *strings.Builder, of reflect.Type) {
	known := p.wordsOf(of)
	fmt.Fprintf(b, "\n### %s\n\n%s\n\n", typeName(of), known.of[of.Name()])
	if of.Kind() == reflect.String {
		for _, value := range known.values[of.Name()] {
			b.WriteString("- " + value + "\n")
		}
		return
	}
	b.WriteString("| field | is | meaning |\n|---|---|---|\n")
	p.fields(b, of)
}

// fields writes a line for each field; those of an embedded type stand beside the others,
// as in JSON.
func (p *jsonTypes) fields(b *strings.Builder, of reflect.Type) {
	for field := range of.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "":
			p.fields(b, field.Type)
			continue
		case !field.IsExported() || name == "-":
			continue
		case name == "":
			p.t.Errorf("%s.%s has no name in JSON", of, field.Name)
		}
		meaning := p.wordsOf(of).of[of.Name()+"."+field.Name]
		if meaning == "" {
			p.t.Errorf("%s.%s (%q in JSON) is told nowhere: write a comment at it", of, field.Name, name)
		}
		is := p.say(field.Type)
		if strings.Contains(options, "omit") {
			is += "; may be missing"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, is, strings.ReplaceAll(meaning, "|", `\|`))
	}
}

// withoutOutput are the commands that print nothing for machines, and why.
var withoutOutput = map[string]string{
	"lockstep run":               "it is the daemon: --log-format json, and the HTTP interface",
	"lockstep demo":              "it is for people to watch",
	"lockstep demo serve-sample": "it is the demo's own",
	"lockstep schema":            "a JSON Schema is JSON",
	"lockstep man":               "it writes files",
	"lockstep completion bash":   "it is a script", "lockstep completion zsh": "it is a script", "lockstep completion fish": "it is a script",
	"lockstep completion powershell": "it is a script",
}

// TestEveryCommandHasOutput: what people can read, machines can as well.
func TestEveryCommandHasOutput(t *testing.T) {
	root := New("test")
	root.InitDefaultCompletionCmd()
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if why := withoutOutput[c.CommandPath()]; c.Runnable() && c.Name() != "help" && (c.Flags().Lookup("output") == nil) != (why != "") {
			t.Errorf("%s: has --output %t, though %q", c.CommandPath(), c.Flags().Lookup("output") != nil, why)
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit(root)
}
