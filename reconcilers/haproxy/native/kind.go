package native

import (
	"errors"
	"fmt"
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

// Text renders a section of the kind, whose name stands in the body as well. It takes "from", the defaults section that it builds
// on, out of the body; defaults is that of a body without one.
func (k Kind) Text(name, defaults string, body map[string]any) (string, error) {
	if err := printable("", body); err != nil {
		return "", err
	}
	if from, says := body["from"]; says {
		text, _ := from.(string)
		if err := charset.Backend.Check(text); err != nil {
			return "", fmt.Errorf("from: %w", err)
		}
		defaults = text
		delete(body, "from")
	}
	if _, says := body["id"]; says {
		return "", errors.New("id is HAProxy's to choose")
	}
	return k.render(name, defaults, body)
}

func (k Kind) render(name, defaults string, body map[string]any) (string, error) {
	p, err := parser.New(options.Reader(strings.NewReader("")))
	if err != nil {
		return "", fmt.Errorf("make a parser: %w", err)
	}
	own, lists := map[string]any{}, map[string]any{}
	for key, value := range body {
		if slices.ContainsFunc(k.lists, func(l list) bool { return l.key == key }) {
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
func (l list) insert(p parser.Parser, section parser.Section, name string, value any) error {
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
