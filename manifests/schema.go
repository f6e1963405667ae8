package manifests

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// schema is a JSON Schema, draft 7: the one that editors know best. It says what
// fields there are and of what type; what belongs together validate says alone.
type schema = map[string]any

// SchemaKinds returns the kinds that have a schema.
func SchemaKinds() []string { return kindNames() }

// Schema returns the JSON Schema of manifests of one kind, or of any for "". It is made
// of the table of fields and the kinds; nil for a kind that there is not. config is that
// of the spec of a Config, whose fields are flags.
func Schema(name string, config map[string]any) map[string]any {
	definitions, cases := schema{}, []any{}
	for i := range kinds {
		k := kinds[i]
		if k.name == kindConfig && config != nil {
			k.schema = func() schema { return maps.Clone(config) }
		}
		if name == k.name {
			out := k.object()
			out["$schema"], out["title"] = draft, "Lockstep "+k.name
			return out
		}
		definitions[k.name] = k.object()
		cases = append(cases, schema{
			"if":   schema{"properties": schema{"kind": schema{"const": k.name}}},
			"then": schema{"$ref": "#/definitions/" + k.name},
		})
	}
	if name != "" {
		return nil
	}
	return schema{
		"$schema": draft, "title": "Lockstep manifests", "type": "object", "definitions": definitions,
		"if": schema{"required": []string{"_format_version"}},
		"then": schema{
			"description": "a decK file: lists of Kong's entities",
		},
		"else": schema{
			"required":   []string{"apiVersion", "kind", "metadata"},
			"properties": schema{"apiVersion": schema{"const": APIVersion}, "kind": schema{"enum": kindNames()}},
			"allOf":      cases,
		},
	}
}

const draft = "http://json-schema.org/draft-07/schema#"

// object is the schema of one kind.
func (k *kind) object() schema {
	spec := k.schema()
	required := []string{"apiVersion", "kind", "metadata"}
	_, some := spec["required"]
	if _, any := spec["minProperties"]; some || any {
		required = append(required, "spec")
	} else {
		spec["type"] = []string{"object", "null"}
	}
	return closed(schema{
		"apiVersion": schema{"const": APIVersion},
		"kind":       schema{"const": k.name},
		"metadata":   closed(schema{"name": schema{"type": "string", "minLength": 1, "description": "the object's name"}}, "name"),
		"spec":       spec,
	}, required...)
}

// closed is a map of these fields and no others.
func closed(properties schema, required ...string) schema {
	out := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// fieldsOf are the fields of the table that belong to one of the scopes. A field that
// a gateway may leave out may have a "?" after its name.
func fieldsOf(scopes ...v1.Scope) schema {
	out := schema{}
	for _, f := range v1.Fields() {
		if !slices.Contains(scopes, f.Scope) {
			continue
		}
		made := schemaOf(&f)
		made["description"] = strings.ReplaceAll(f.Doc, "`", "")
		out[f.Name] = made
		if f.MayBeOptional() {
			out[f.Name+"?"] = made
		}
	}
	return out
}

// One value, as YAML may write it.
var (
	scalarSchema   = schema{"type": []string{"string", "number", "boolean"}}
	durationSchema = schema{"type": []string{"string", "integer"}, "pattern": `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$|^0$`}
)

// schemaOf is the schema of a field's value.
func schemaOf(f *v1.Field) schema {
	item := schema{"type": []string{"string", "number"}}
	if f.Words != nil {
		item = schema{"enum": f.Words}
	}
	list := schema{"anyOf": []any{schema{"type": "array", "items": item, "minItems": 1}, item}}
	switch f.Type {
	case v1.Bool:
		return schema{"enum": []any{true, false, "true", "false"}, "default": f.Default.Bool}
	case v1.Int:
		return schema{"type": []string{"integer", "string"}, "minimum": f.Min, "maximum": f.Max, "pattern": `^[0-9]+$`}
	case v1.Duration:
		out := schema{"default": f.Text(f.Default)}
		maps.Copy(out, durationSchema)
		return out
	case v1.List:
		return list
	case v1.Map:
		return schema{"type": "object", "additionalProperties": list}
	case v1.Shares:
		return schema{"type": "object", "additionalProperties": schema{"type": []string{"string", "integer"}, "pattern": `^[0-9]{1,3}%$`}}
	case v1.Text:
		return item
	}
	return schema{}
}

// pluginsSchema is a map of plugins by name: true, or their fields.
func pluginsSchema() schema {
	fields := schema{
		"enabled":       schema{"type": "boolean"},
		"instance_name": schema{"type": "string"},
		"config":        schema{"type": "object", "description": "the plugin's own configuration, in Kong's words"},
	}
	return schema{"type": "object", "description": "plugins of Kong by name", "additionalProperties": schema{
		"anyOf": []any{schema{"type": "boolean"}, schema{"type": "object", "properties": fields}},
	}}
}

func routeFields() schema {
	out := fieldsOf(v1.OfRoute)
	out[wordPlugins] = pluginsSchema()
	return out
}

func serviceSchema() schema {
	out := fieldsOf(v1.OfService, v1.OfInstance, v1.OfRoute)
	out[wordPlugins] = pluginsSchema()
	out["routes"] = schema{"type": "object", "description": "routes by name", "additionalProperties": closed(routeFields())}
	endpoint := fieldsOf(v1.OfInstance)
	delete(endpoint, "network")
	endpoint["address"] = schema{"type": "string", "description": "IP address and port, as 10.0.0.5:8080"}
	out[wordEndpoints] = schema{"type": "array", "description": "instances outside of Docker", "items": closed(endpoint, "address"), "maxItems": maxEndpoints}
	out[wordOverride] = schema{"enum": overrides, "default": overrides[0], "description": "whether labels may add what the manifest leaves out"}
	out[wordSelector] = schema{
		"type": "object", "description": "containers are instances that bear all of these labels",
		"minProperties": 1, "maxProperties": maxSelected,
		"propertyNames":        schema{"maxLength": maxSelectedName},
		"additionalProperties": schema{"type": "string", "maxLength": maxSelectedValue},
	}
	made := closed(out)
	beside := schema{}
	for name := range fieldsOf(v1.OfInstance) { // they hold for those containers
		beside[name] = []string{wordSelector}
	}
	made["dependencies"] = beside
	return made
}

func routeSchema() schema {
	out := routeFields()
	out["service"] = schema{"type": "string", "description": "the key of a Service that some manifest declares"}
	return closed(out, "service")
}

func certificateSchema() schema {
	reference := "PEM, or a reference as ${file:/run/secrets/x} or ${env:NAME}"
	out := closed(schema{
		"certificate": schema{"type": "string", "description": "the certificate: " + reference},
		"key":         schema{"type": "string", "description": "its key: " + reference},
		"file":        schema{"type": "string", "description": "path of a file that holds both"},
		"snis":        schema{"type": "array", "items": schema{"type": "string"}, "maxItems": maxSNIs},
		"default":     schema{"type": "boolean"},
		"gateways": schema{
			"type": "array", "minItems": 1, "items": schema{"enum": []v1.Gateway{v1.HAProxy, v1.Kong}}, "description": "the gateways that get it; all when it is left out",
		},
	})
	out["minProperties"] = 1
	out["oneOf"] = []any{schema{"required": []string{"file"}}, schema{"required": []string{"certificate", "key"}}}
	return out
}

func sectionSchema() schema {
	return schema{
		"type": "object", "required": []string{"section"},
		"properties": schema{"section": schema{"enum": sections}, "name": schema{"type": "string"}},
	}
}

func policySchema() schema {
	rule := closed(schema{
		"when":    schema{"type": "string", "description": "CEL: for which claims the rule is; all when it is left out"},
		"require": schema{"type": "string", "description": "CEL: what must hold for a claim"},
		"message": schema{"type": "string", "maxLength": maxMessage, "description": "what is said of a claim that is refused"},
	}, "require", "message")
	return closed(schema{"rules": schema{"type": "array", "minItems": 1, "maxItems": maxRules, "items": rule}}, "rules")
}

func pluginSchema() schema {
	text := schema{"type": "string"}
	either := schema{"type": []string{"string", "object", "null"}}
	return closed(schema{
		"name": text, "service": either, "route": either, "consumer": either, "consumer_group": either, "instance_name": text,
		"optional": schema{"type": "boolean"}, "enabled": schema{"type": "boolean"},
		"config": schema{"type": []string{"object", "null"}, "description": "the plugin's own configuration, in Kong's words"}, "ordering": schema{"type": []string{"object", "null"}},
		"protocols": schema{"type": "array", "items": text}, "tags": schema{"type": "array", "items": text},
	})
}

func consumerSchema() schema {
	credentials := schema{}
	for _, known := range v1.EntityKinds() {
		if known.Within == v1.KindConsumer {
			credentials[strings.TrimSuffix(known.Nested, "s")] = entityList(&known)
		}
	}
	return closed(schema{
		"custom_id": schema{"type": "string"}, "id": schema{"type": "string"}, "tags": schema{"type": "array", "items": schema{"type": "string"}},
		wordGroups:      schema{"type": []string{"array", "null"}, "items": schema{"type": []string{"string", "object"}}, "description": "the consumer groups that it is in, by name"},
		wordCredentials: closed(credentials), wordPlugins: pluginsSchema(),
	})
}

func kongSchema() schema {
	out := schema{}
	for _, known := range v1.EntityKinds() {
		out[known.Section] = entityList(&known)
	}
	made := closed(out)
	made["minProperties"] = 1
	return made
}

// entityList is a list of Kong's entities. What else belongs to each is Kong's to say.
func entityList(known *v1.EntityKind) schema {
	fields := schema{}
	for _, name := range known.Fields {
		fields[name] = true
	}
	for _, ref := range known.Refs {
		fields[ref.Field] = true
	}
	return schema{
		"type": []string{"array", "null"}, "description": fmt.Sprintf("%s in Kong's words", strings.ReplaceAll(known.Section, "_", " ")),
		"items": schema{"anyOf": []any{schema{"type": "object", "properties": fields}, scalarSchema}},
	}
}
