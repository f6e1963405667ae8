package haproxy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/go-openapi/strfmt"
	parser "github.com/haproxytech/client-native/v5/config-parser"
	"github.com/haproxytech/client-native/v5/config-parser/common"
	"github.com/haproxytech/client-native/v5/config-parser/options"
	"github.com/haproxytech/client-native/v5/configuration"
	"github.com/haproxytech/client-native/v5/models"
)

// A manifest may say a section in the words of client-native's models, with its
// lists (servers, binds, rules) inside it. This file turns one into HAProxy's text;
// the models go no further.

// nativeModel is what each of client-native's models has.
type nativeModel interface {
	Validate(strfmt.Registry) error
}

// nativeList is a list that stands inside a section.
type nativeList struct {
	key     string       // in the manifest, as client-native calls it from its sixth version on
	keyword string       // in HAProxy's file
	of      reflect.Type // one model
	line    func(model any) (common.ParserData, error)
}

// listOf describes a list of models of one type.
func listOf[M, T any](key, keyword string, line func(M) (T, error)) nativeList {
	return nativeList{key: key, keyword: keyword, of: reflect.TypeFor[M](), line: func(model any) (common.ParserData, error) {
		m, ok := model.(*M)
		if !ok {
			return nil, fmt.Errorf("%s is no list of %T", key, m)
		}
		return line(*m)
	}}
}

// sure makes a function that can't fail one that could.
func sure[M, T any](line func(M) T) func(M) (T, error) {
	return func(m M) (T, error) { return line(m), nil }
}

// The lists, in the order in which they are written.
var (
	nativeRules = []nativeList{
		listOf("acl_list", "acl", sure(configuration.SerializeACL)),
		listOf("filter_list", "filter", sure(configuration.SerializeFilter)),
		listOf("log_target_list", "log", sure(configuration.SerializeLogTarget)),
		listOf("tcp_request_rule_list", "tcp-request", configuration.SerializeTCPRequestRule),
		listOf("http_request_rule_list", "http-request", configuration.SerializeHTTPRequestRule),
		listOf("http_response_rule_list", "http-response", configuration.SerializeHTTPResponseRule),
		listOf("http_after_response_rule_list", "http-after-response", configuration.SerializeHTTPAfterRule),
	}
	nativeKinds = map[string]nativeKind{
		"frontend": {section: parser.Frontends, of: reflect.TypeFor[models.Frontend](), lists: slices.Concat([]nativeList{
			listOf("binds", "bind", sure(configuration.SerializeBind)),
			listOf("capture_list", "declare capture", sure(configuration.SerializeDeclareCapture)),
			listOf("backend_switching_rule_list", "use_backend", sure(configuration.SerializeBackendSwitchingRule)),
		}, nativeRules)},
		"backend": {section: parser.Backends, of: reflect.TypeFor[models.Backend](), lists: slices.Concat([]nativeList{
			listOf("servers", "server", sure(configuration.SerializeServer)),
			listOf("server_templates", "server-template", sure(configuration.SerializeServerTemplate)),
			listOf("server_switching_rule_list", "use-server", sure(configuration.SerializeServerSwitchingRule)),
			listOf("stick_rule_list", "stick", sure(configuration.SerializeStickRule)),
			listOf("http_check_list", "http-check", configuration.SerializeHTTPCheck),
			listOf("tcp_check_rule_list", "tcp-check", configuration.SerializeTCPCheck),
			listOf("tcp_response_rule_list", "tcp-response", configuration.SerializeTCPResponseRule),
		}, nativeRules)},
	}
)

// nativeKind is a kind of section that is served.
type nativeKind struct {
	section parser.Section
	of      reflect.Type
	lists   []nativeList
}

// text renders a section of the kind: body without its "section".
func (k nativeKind) text(name, defaults string, body map[string]any) (string, error) {
	p, err := parser.New(options.Reader(strings.NewReader("")))
	if err != nil {
		return "", fmt.Errorf("make a parser: %w", err)
	}
	own, lists := map[string]any{}, map[string]any{}
	for key, value := range body {
		if slices.ContainsFunc(k.lists, func(l nativeList) bool { return l.key == key }) {
			lists[key] = value
		} else {
			own[key] = value
		}
	}
	model, err := decodeModel(k.of, "", own)
	if err != nil {
		return "", err
	}
	if err := p.SectionsCreate(k.section, name); err != nil {
		return "", fmt.Errorf("make a section: %w", err)
	}
	if err := p.SectionsDefaultsFromSet(k.section, name, ""); err != nil {
		return "", fmt.Errorf("choose defaults: %w", err)
	}
	if err := configuration.CreateEditSection(model, k.section, name, p); err != nil {
		return "", fmt.Errorf("write the section: %w", err)
	}
	for _, l := range k.lists {
		if err := l.insert(p, k.section, name, lists[l.key]); err != nil {
			return "", err
		}
	}
	return tidy(p.String(), string(k.section)+" "+name, defaults)
}

// insert writes a list. Its order is that of the manifest: nobody need count.
func (l nativeList) insert(p parser.Parser, section parser.Section, name string, value any) error {
	if value == nil {
		return nil
	}
	items, ok := value.([]any)
	if !ok {
		return fmt.Errorf("%s must be a list", l.key)
	}
	for i, item := range items {
		place := fmt.Sprintf("%s[%d]", l.key, i)
		fields, ok := item.(map[string]any)
		if !ok {
			return fmt.Errorf("%s must have fields", place)
		}
		if _, counted := l.of.FieldByName("Index"); counted {
			fields["index"] = i
		}
		model, err := decodeModel(l.of, place, fields)
		if err != nil {
			return err
		}
		line, err := l.line(model)
		if err == nil {
			err = p.Insert(section, name, l.keyword, line, i)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", place, err)
		}
	}
	return nil
}

// decodeModel fills in a model, and has it look whether its values are possible.
func decodeModel(of reflect.Type, place string, fields map[string]any) (nativeModel, error) {
	if strange := strangeFields(of, place, fields); len(strange) > 0 {
		return nil, fmt.Errorf("HAProxy's model %s knows no %s", of.Name(), strings.Join(strange, ", "))
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", place, err)
	}
	model, ok := reflect.TypeAssert[nativeModel](reflect.New(of))
	if !ok {
		return nil, fmt.Errorf("%s is no model of HAProxy's", of.Name())
	}
	if err := json.Unmarshal(text, model); err != nil {
		return nil, fmt.Errorf("%s: %w", cmp.Or(place, of.Name()), err)
	}
	if err := model.Validate(strfmt.Default); err != nil {
		return nil, fmt.Errorf("%s: %s", cmp.Or(place, of.Name()), strings.Join(strings.Fields(err.Error()), " "))
	}
	return model, nil
}

// strangeFields returns the fields that a model does not know, with their places.
func strangeFields(of reflect.Type, place string, value any) []string {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	var strange []string
	switch v := value.(type) {
	case []any:
		if of.Kind() == reflect.Slice {
			for i, item := range v {
				strange = append(strange, strangeFields(of.Elem(), fmt.Sprintf("%s[%d]", place, i), item)...)
			}
		}
	case map[string]any:
		if of.Kind() != reflect.Struct {
			return nil // decoding says what is wrong with it
		}
		known := jsonFields(of)
		for _, key := range sortedKeys(v) {
			path := strings.TrimPrefix(place+"."+key, ".")
			if field, ok := known[key]; ok {
				strange = append(strange, strangeFields(field, path, v[key])...)
			} else {
				strange = append(strange, path)
			}
		}
	}
	return strange
}

// jsonFields returns the fields of a struct by the names that JSON has for them.
func jsonFields(of reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for _, field := range reflect.VisibleFields(of) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" && name != "-" {
			fields[name] = field.Type
		}
	}
	return fields
}

// tidy takes the section out of the writer's text, has it build on defaults, and
// makes sure that it is one section and nothing else.
func tidy(text, head, defaults string) (string, error) {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case b.Len() == 0:
			if line != head {
				return "", fmt.Errorf("the section begins with %q", line)
			}
			b.WriteString(head + " from " + defaults + "\n")
		default:
			b.WriteString("  " + line + "\n")
		}
	}
	if err := alone(b.String(), head); err != nil {
		return "", err
	}
	return b.String(), nil
}

// headings are the words that begin a section of HAProxy's, wherever they stand in a line.
var headings = []string{
	"acme", "backend", "cache", "certificate", "crt-store", "defaults", "fcgi-app", "frontend", "global", "healthcheck", "http-errors", "listen",
	"log-forward", "log-profile", "mailers", "peers", "program", "resolvers", "ring", "traces", "userlist",
}

// alone makes sure that a text is one section, under its own head. No value of
// a manifest may carry a second line, let alone a second section.
func alone(text, head string) error {
	first := true
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		words := strings.Fields(line)
		switch {
		case strings.ContainsFunc(line, func(c rune) bool { return c < ' ' || c == 0x7f }):
			return fmt.Errorf("%q holds control characters", line)
		case strings.HasSuffix(line, `\`):
			return fmt.Errorf("the line %q ends with a backslash", strings.TrimSpace(line))
		case len(words) == 0 || first != slices.Contains(headings, words[0]) || first && !strings.HasPrefix(line, head+" from "):
			return fmt.Errorf("the line %q does not belong to the section %s alone", strings.TrimSpace(line), head)
		}
		first = false
	}
	p, err := parser.New(options.Reader(strings.NewReader(text)))
	if err != nil {
		return fmt.Errorf("it can't be read back: %w", err)
	}
	var found []string
	for _, kind := range []parser.Section{parser.Frontends, parser.Backends, parser.Listen, parser.Defaults} {
		names, err := p.SectionsGet(kind)
		if err != nil {
			continue // none of this kind
		}
		for _, name := range names {
			found = append(found, string(kind)+" "+name)
		}
	}
	if !slices.Equal(found, []string{head}) {
		return fmt.Errorf("read back it is %s, not %s", strings.Join(found, ", "), head)
	}
	return nil
}
