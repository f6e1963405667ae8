package manifests

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/lockstep/lockstep/api/policy"
	v1 "github.com/lockstep/lockstep/api/v1"
)

// APIVersion is what every manifest says first.
const APIVersion = "lockstep.dev/v1"

// Object is one object of a file. One of its members is set, according to its
// kind.
type Object struct {
	Kind   string
	Name   string
	Origin v1.Origin // where its name stands

	Service     *v1.Declared
	Route       *Route
	Certificate *Certificate
	Section     *v1.Section
	Listener    *v1.Listener
	PluginOn    *PluginOn
	Entities    []*v1.Entity // in Kong's own words; in their bodies references to secrets
	Policy      *policy.Policy
	Config      []Setting // how the daemon runs
}

// kindService is the kind of services.
const kindService = "Service"

// kind is one row of the table of kinds: all that reading knows of it.
type kind struct {
	name string
	key  v1.Kind
	// named says what is wrong with a name, and what to do.
	named func(name string) (message, fix string)
	// decode reads the spec into the object.
	decode func(r *reader, o *Object, spec []entry)
	// schema is that of the spec.
	schema func() schema
}

// kinds are the kinds of manifests. Never changed.
var kinds = []kind{
	{name: kindService, key: v1.KindService, named: v1.CheckServiceKey, decode: (*reader).service, schema: serviceSchema},
	{name: "Route", key: v1.KindRoute, named: partNamed("route"), decode: (*reader).route, schema: routeSchema},
	{name: "Certificate", key: v1.KindCertificate, named: partNamed("certificate"), decode: (*reader).certificate, schema: certificateSchema},
	{name: "Plugin", key: v1.KindEntity, named: partNamed("plugin"), decode: (*reader).plugin, schema: pluginSchema},
	{name: "Consumer", key: v1.KindEntity, named: consumerNamed, decode: (*reader).consumer, schema: consumerSchema},
	{name: "KongEntities", key: v1.KindEntity, named: partNamed("object"), decode: (*reader).kongEntities, schema: kongSchema},
	{name: "HAProxySection", key: v1.KindSection, named: partNamed("section"), decode: (*reader).section, schema: sectionSchema},
	{name: kindListener, key: v1.KindListener, named: partNamed("Listener"), decode: (*reader).listener, schema: listenerSchema},
	{name: kindPolicy, key: v1.KindPolicy, named: partNamed("policy"), decode: (*reader).policy, schema: policySchema},
	{name: kindConfig, key: v1.KindConfig, named: partNamed("configuration"), decode: (*reader).config, schema: configSchema},
}

func partNamed(noun string) func(string) (message, fix string) {
	return func(name string) (string, string) { return v1.CheckName(noun, name) }
}

// consumerNamed says what is wrong with the name of a consumer, which may be any text.
func consumerNamed(name string) (message, fix string) {
	if len(name) > 256 {
		return "the consumer's name is too long", "use at most 256 characters"
	}
	return "", ""
}

// object reads one document; false when it is empty or wrong.
func (r *reader) object(document *yaml.Node) (Object, bool) {
	r.key = v1.Key{}
	if len(document.Content) == 0 || isNull(document.Content[0]) {
		return Object{}, false
	}
	before := len(r.problems)
	top := document.Content[0]
	fields := r.entries(top, "the document", 0)
	if len(r.problems) > before || len(fields) == 0 {
		if len(r.problems) == before {
			r.report(r.at(top), "the manifest is empty", "write apiVersion, kind, metadata and spec, or remove it")
		}
		return Object{}, false
	}
	if says(fields, wordFormat) && !says(fields, "apiVersion") {
		return r.deckFile(fields, r.at(top)), len(r.problems) == before
	}
	if says(fields, "services") && !says(fields, "apiVersion") && !says(fields, "kind") {
		r.report(r.at(top), "this is a Compose file, no manifest",
			"keep it elsewhere; to check the labels in it, name it by itself: lockstep validate FILE, or lockstep plan --compose FILE")
		return Object{}, false
	}
	named := r.only(fields, "apiVersion", "kind", "metadata", "spec")
	k := r.kindOf(named, r.at(top))
	if k == nil {
		return Object{}, false
	}
	object := Object{Kind: k.name}
	r.name(&object, k, named["metadata"], r.at(top))
	after := len(r.problems)
	if after == before {
		r.key = v1.Key{Kind: k.key, Name: object.Name}
		k.decode(r, &object, r.spec(named["spec"]))
		return object, len(r.problems) == before
	}
	nameless := Object{Kind: k.name, Name: "?", Origin: r.at(top)} // so that all is said at once
	k.decode(r, &nameless, r.spec(named["spec"]))
	for i := range r.problems[after:] {
		r.problems[after+i].Object = v1.Key{} // a name that is none is shown nowhere
	}
	return object, false
}

// kindOf finds the kind of an object, and reports what is no manifest of ours.
func (r *reader) kindOf(fields map[string]entry, at v1.Origin) *kind {
	version, has := fields["apiVersion"]
	if !has {
		r.report(at, "there is no apiVersion, so this is no manifest", "begin it with apiVersion: "+APIVersion+", or keep other files elsewhere")
		return nil
	}
	if text, ok := r.text(version, 1); !ok {
		return nil
	} else if text != APIVersion {
		r.report(r.at(version.value), fmt.Sprintf("unknown apiVersion %s", shown(text)), "write "+APIVersion+", or keep other files elsewhere")
		return nil
	}
	said, has := fields["kind"]
	if !has {
		r.report(at, "there is no kind", "write one of: "+strings.Join(kindNames(), ", "))
		return nil
	}
	name, ok := r.text(said, 1)
	if !ok {
		return nil
	}
	for i := range kinds {
		if kinds[i].name == name {
			return &kinds[i]
		}
	}
	r.unknown(r.at(said.value), "kind", name, kindNames())
	return nil
}

// kindNames returns the names of the kinds.
func kindNames() []string {
	names := make([]string, len(kinds))
	for i := range kinds {
		names[i] = kinds[i].name
	}
	return names
}

// name reads metadata.name.
func (r *reader) name(o *Object, k *kind, metadata entry, at v1.Origin) {
	fix := "write metadata: {name: NAME}"
	if metadata.value == nil {
		r.report(at, "there is no metadata", fix)
		return
	}
	before := len(r.problems)
	said, has := r.only(r.entries(metadata.value, "metadata", 1), "name")["name"]
	if !has {
		if len(r.problems) == before {
			r.report(metadata.at, "metadata has no name", fix)
		}
		return
	}
	name, ok := r.text(said, 2)
	if !ok {
		return
	}
	o.Name, o.Origin = name, r.at(said.value)
	if message, fix := k.named(name); message != "" {
		r.report(o.Origin, message, fix)
	}
}

// spec returns the fields of the spec; none at all is fine where the kind needs none.
func (r *reader) spec(spec entry) []entry {
	if spec.value == nil {
		return nil
	}
	return r.entries(spec.value, "spec", 1)
}

// placedKey is a name that an object takes, and where it says so.
type placedKey struct {
	v1.Key
	at v1.Origin
}

// keys yields the names that an object takes: its own, and those of the routes
// within it. It makes no list of them, as every object is asked at each change.
func (o *Object) keys(yield func(placedKey) bool) {
	named := func(kind v1.Kind, name string) { yield(placedKey{v1.Key{Kind: kind, Name: name}, o.Origin}) }
	switch {
	case o.Service != nil:
		if !yield(placedKey{v1.Key{Kind: v1.KindService, Name: o.Name}, o.Origin}) {
			return
		}
		for i := range o.Service.Service.Routes {
			route := &o.Service.Service.Routes[i]
			if !yield(placedKey{v1.Key{Kind: v1.KindRoute, Name: route.Name}, route.Origin}) {
				return
			}
		}
	case o.PluginOn != nil:
		named(v1.KindEntity, "plugin/"+o.Name)
	case o.Entities != nil:
		for _, e := range o.Entities {
			// Some are told apart by a secret; a member may be named by its group and by its consumer.
			if !strings.HasSuffix(e.Name, "/") && e.Kind != v1.KindMember && !yield(placedKey{e.Key(), e.Origin}) {
				return
			}
		}
	case o.Route != nil:
		named(v1.KindRoute, o.Route.Route.Name)
	case o.Certificate != nil:
		named(v1.KindCertificate, o.Name)
	case o.Section != nil:
		named(v1.KindSection, o.Name)
	case o.Listener != nil:
		named(v1.KindListener, o.Name)
	case o.Kind == kindConfig:
		named(v1.KindConfig, o.Name)
	case o.Policy != nil:
		named(v1.KindPolicy, o.Name)
	}
}

// ties yields what ties an object to others: names that only one may have, those that it
// refers to, and what it may clash over. Objects without a common one say nothing of each other.
func (o *Object) ties(yield func(v1.Key)) {
	service := func(name string) { yield(v1.Key{Kind: v1.KindService, Name: name}) } // and so its routes
	switch {
	case o.Service != nil:
		service(o.Name)
	case o.Route != nil:
		service(o.Route.Service)
	case o.Listener != nil:
		yield(v1.Key{Kind: v1.KindListener}) // all of them listen and have hosts
	default:
		for key := range o.keys {
			yield(key.Key)
		}
	}
	if o.PluginOn != nil {
		service(o.PluginOn.home())
		yield(inWords(o.PluginOn.key()))
	}
}

// placeOf returns where an object says that it takes a name.
func (o *Object) placeOf(name v1.Key) v1.Origin {
	for key := range o.keys {
		if key.Key == name {
			return key.at
		}
	}
	return o.Origin
}
