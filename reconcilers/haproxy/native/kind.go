package native

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	parser "github.com/haproxytech/client-native/v5/config-parser"
	"github.com/haproxytech/client-native/v5/config-parser/common"
	"github.com/haproxytech/client-native/v5/config-parser/options"
	"github.com/haproxytech/client-native/v5/configuration"
	"github.com/haproxytech/client-native/v5/models"

	"github.com/lockstep/lockstep/reconcilers/haproxy/charset"
)

// list is a list that stands inside a section.
type list struct {
	key     string       // in the manifest, as client-native calls it from its sixth version on
	keyword string       // in HAProxy's file
	of      reflect.Type // one model
	line    func(model any) (common.ParserData, error)
}

// listOf describes a list of models of one type.
func listOf[M, T any](key, keyword string, line func(M) (T, error)) list {
	return list{key: key, keyword: keyword, of: reflect.TypeFor[M](), line: func(model any) (common.ParserData, error) {
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
	rules = []list{
		listOf("acl_list", "acl", sure(configuration.SerializeACL)),
		listOf("filter_list", "filter", sure(configuration.SerializeFilter)),
		listOf("log_target_list", "log", sure(configuration.SerializeLogTarget)),
		listOf("tcp_request_rule_list", "tcp-request", configuration.SerializeTCPRequestRule),
		listOf("http_request_rule_list", "http-request", configuration.SerializeHTTPRequestRule),
		listOf("http_response_rule_list", "http-response", configuration.SerializeHTTPResponseRule),
		listOf("http_after_response_rule_list", "http-after-response", configuration.SerializeHTTPAfterRule),
	}
	kinds = map[string]Kind{
		"frontend": {section: parser.Frontends, of: reflect.TypeFor[models.Frontend](), lists: slices.Concat([]list{
			listOf("binds", "bind", sure(configuration.SerializeBind)),
			listOf("capture_list", "declare capture", sure(configuration.SerializeDeclareCapture)),
			listOf("backend_switching_rule_list", "use_backend", sure(configuration.SerializeBackendSwitchingRule)),
		}, rules)},
		"backend": {section: parser.Backends, of: reflect.TypeFor[models.Backend](), lists: slices.Concat([]list{
			listOf("servers", "server", sure(configuration.SerializeServer)),
			listOf("server_templates", "server-template", sure(configuration.SerializeServerTemplate)),
			listOf("server_switching_rule_list", "use-server", sure(configuration.SerializeServerSwitchingRule)),
			listOf("stick_rule_list", "stick", sure(configuration.SerializeStickRule)),
			listOf("http_check_list", "http-check", configuration.SerializeHTTPCheck),
			listOf("tcp_check_rule_list", "tcp-check", configuration.SerializeTCPCheck),
			listOf("tcp_response_rule_list", "tcp-response", configuration.SerializeTCPResponseRule),
		}, rules)},
	}
)

// KindOf returns the kind that a manifest names by word, as HAProxy's files do, and whether
// it is served.
func KindOf(word string) (Kind, bool) {
	kind, served := kinds[strings.ReplaceAll(word, "-", "_")]
	return kind, served
}

// A Kind is a kind of section that is served: a backend or a frontend.
type Kind struct {
	section parser.Section
	of      reflect.Type
	lists   []list
}

// Text renders a section of the kind, whose name stands in the body as well, or says all
// that is wrong with it. "from" in the body is the defaults section that it builds on;
// defaults is that of a body without one. The body is left as it is.
func (k Kind) Text(name, defaults string, body map[string]any) (string, []Fault) {
	faults := unprintable("", body)
	own := maps.Clone(body)
	if from, says := body["from"]; says {
		text, _ := from.(string)
		if err := charset.Backend.Check(text); err != nil && len(faults) == 0 {
			faults = append(faults, Fault{"from", "from: " + err.Error(), "name a section of defaults in a file of your own"})
		}
		defaults = text
		delete(own, "from")
	}
	if _, says := body["id"]; says {
		faults = append(faults, Fault{"id", "id is HAProxy's to choose", "remove it"})
		delete(own, "id")
	}
	models := make([][]validator, len(k.lists))
	for i, l := range k.lists {
		models[i], faults = l.decode(own[l.key], faults)
		delete(own, l.key)
	}
	model, wrong := decodeModel(k.of, "", own, k.words()...)
	if faults = append(faults, wrong...); len(faults) > 0 {
		return "", faults
	}
	text, err := k.render(name, defaults, model, models)
	if err != nil {
		return "", []Fault{{"", err.Error(), "correct the field; its names are those of HAProxy's models"}}
	}
	return text, nil
}

// words are the fields of a section that its model does not know.
func (k Kind) words() []string {
	words := []string{"section", "from"}
	for _, l := range k.lists {
		words = append(words, l.key)
	}
	return words
}

// decode reads a list, and adds what is wrong with it to faults.
func (l list) decode(value any, faults []Fault) ([]validator, []Fault) {
	if value == nil {
		return nil, faults
	}
	items, ok := value.([]any)
	if !ok {
		return nil, append(faults, Fault{l.key, fmt.Sprintf("%s is %s, not a list", l.key, shape(value)), fixList})
	}
	models := make([]validator, 0, len(items))
	for i, item := range items {
		path := fmt.Sprintf("%s[%d]", l.key, i)
		fields, ok := item.(map[string]any)
		if !ok {
			faults = append(faults, Fault{path, fmt.Sprintf("%s is %s, not a map", last(path), shape(item)), fixMap})
			continue
		}
		fields = maps.Clone(fields)
		if _, counted := l.of.FieldByName("Index"); counted { // its order is that of the manifest: nobody need count
			fields["index"] = i
		}
		model, wrong := decodeModel(l.of, path, fields)
		models, faults = append(models, model), append(faults, wrong...)
	}
	return models, faults
}

func (k Kind) render(name, defaults string, model validator, lists [][]validator) (string, error) {
	p, err := parser.New(options.Reader(strings.NewReader("")))
	if err != nil {
		return "", fmt.Errorf("make a parser: %w", err)
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
	for i, l := range k.lists {
		for n, model := range lists[i] {
			line, err := l.line(model)
			if err == nil {
				err = p.Insert(k.section, name, l.keyword, line, n)
			}
			if err != nil {
				return "", fmt.Errorf("%s[%d]: %w", l.key, n, err)
			}
		}
	}
	return tidy(p.String(), string(k.section)+" "+name, defaults)
}
