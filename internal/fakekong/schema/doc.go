// Package schema reads Kong's own schema language and applies it, for tests and
// the demo.
//
// In go a schema as Kong's /schemas endpoints answer it, and an entity as a
// client sends it. Out comes the entity with its defaults filled in, and the
// violations in Kong's words and shapes: {"port": "value should be between 0 and
// 65535"}, {"paths": ["should start with: /"]}, {"@entity": ["..."]}.
//
// What Kong checks in code rather than by its schemas (host names, regular
// expressions, certificates) is not in what /schemas answers. The caller passes
// such checks as Rules.
//
// Values are those of encoding/json: nil, bool, float64, string, []any and
// map[string]any. A null counts as absent, as in Kong.
package schema
