package fakekong

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// entity is one stored row. Its fields are complete and are never changed in
// place: a write stores a new entity.
type entity struct {
	kind   *kind
	fields map[string]any
	seq    uint64 // the order of creation
	within string // its workspace; "" for the default one
}

func (e *entity) id() string { return text(e.fields["id"]) }

// ref returns the id that a foreign field holds, or "".
func (e *entity) ref(field string) string { return refID(e.fields[field]) }

// store holds rows by kind and id, with an index of what must be unique, and one of
// who refers to whom. It does not lock; its owner does.
type store struct {
	rows     map[string]map[string]*entity   // by kind, then id
	index    map[string]string               // uniqueKey -> id
	children map[childKey]map[string]*entity // by what they refer to, then id
	seq      uint64
	at       string // the workspace that is looked at: what is in another one is not there
}

// everywhere is where a store looks unless it is told: in all workspaces.
const everywhere = "*"

// childKey names a field of a kind, and the id that it holds.
type childKey struct{ kind, field, id string }

func newStore() *store {
	return &store{rows: map[string]map[string]*entity{}, index: map[string]string{}, children: map[childKey]map[string]*entity{}, at: everywhere}
}

// look has the store look at one workspace, until back is called.
func (s *store) look(at string) (back func()) {
	before := s.at
	s.at = at
	return func() { s.at = before }
}

// sees reports whether an entity is where the store looks.
func (s *store) sees(e *entity) bool {
	return s.at == everywhere || e.within == s.at || e.kind.shared
}

// place is the workspace that an entity is made in.
func (s *store) place(k *kind) string {
	if s.at == everywhere || k.shared {
		return ""
	}
	return s.at
}

// get finds an entity by its id.
func (s *store) get(k *kind, id string) *entity {
	if e := s.rows[k.name][id]; e != nil && s.sees(e) {
		return e
	}
	return nil
}

// elsewhere reports whether an id is that of an entity in another workspace: ids are
// those of one table.
func (s *store) elsewhere(k *kind, id string) bool {
	e := s.rows[k.name][id]
	return e != nil && !s.sees(e)
}

// lookup finds an entity by its id or, where the kind has one, its key.
func (s *store) lookup(l *library, k *kind, key string) *entity {
	if e := s.get(k, key); e != nil {
		return e
	}
	if k.key == "" {
		return nil
	}
	if f := l.entities[k.name].Field(k.key); f != nil && f.Unique {
		return s.get(k, s.index[uniqueKey(k, s.place(k), []string{k.key}, map[string]any{k.key: key})])
	}
	for _, e := range s.list(k) {
		if e.fields[k.key] == key {
			return e
		}
	}
	return nil
}

// list returns all rows of a kind, sorted by id.
func (s *store) list(k *kind) []*entity { return s.below(k, nil) }

// below returns the rows of a kind that refer to a parent, sorted by id; all, without one.
func (s *store) below(k *kind, in *parent) []*entity {
	rows := s.rows[k.name]
	if in != nil {
		rows = s.children[childKey{k.name, in.field, in.entity.id()}]
	}
	seen := maps.Clone(rows)
	maps.DeleteFunc(seen, func(_ string, e *entity) bool { return !s.sees(e) })
	return slices.SortedFunc(maps.Values(seen), func(a, b *entity) int { return strings.Compare(a.id(), b.id()) })
}

// put stores a row in place of the one with its id, if there is one.
func (s *store) put(l *library, k *kind, fields map[string]any) *entity {
	e := &entity{kind: k, fields: fields, within: s.place(k)}
	if old := s.get(k, e.id()); old != nil {
		s.remove(l, old)
		e.seq, e.within = old.seq, old.within
	} else {
		s.seq++
		e.seq = s.seq
	}
	if s.rows[k.name] == nil {
		s.rows[k.name] = map[string]*entity{}
	}
	s.rows[k.name][e.id()] = e
	for _, key := range l.uniques(k, fields) {
		s.index[uniqueKey(k, e.within, key, fields)] = e.id()
	}
	for field := range l.foreign(k) {
		if id := e.ref(field); id != "" {
			key := childKey{k.name, field, id}
			if s.children[key] == nil {
				s.children[key] = map[string]*entity{}
			}
			s.children[key][e.id()] = e
		}
	}
	return e
}

// remove takes one row out, and nothing else.
func (s *store) remove(l *library, e *entity) {
	delete(s.rows[e.kind.name], e.id())
	for _, key := range l.uniques(e.kind, e.fields) {
		delete(s.index, uniqueKey(e.kind, e.within, key, e.fields))
	}
	for field := range l.foreign(e.kind) {
		key := childKey{e.kind.name, field, e.ref(field)}
		if delete(s.children[key], e.id()); len(s.children[key]) == 0 {
			delete(s.children, key)
		}
	}
}

// clash returns the fields of a row that another row holds already, or nil.
func (s *store) clash(l *library, k *kind, fields map[string]any) []string {
	for _, key := range l.uniques(k, fields) {
		if id, ok := s.index[uniqueKey(k, s.place(k), key, fields)]; ok && id != fields["id"] {
			return key
		}
	}
	return nil
}

// uniques lists the sets of fields by which a row must be unique. Single fields
// that are null don't count; in sets null is a value like others.
func (l *library) uniques(k *kind, fields map[string]any) [][]string {
	var out [][]string
	for _, f := range l.entities[k.name].Fields {
		if f.Unique && fields[f.Name] != nil {
			out = append(out, []string{f.Name})
		}
	}
	return append(out, l.together(k)...)
}

// uniqueKey spells the values of some fields, within a workspace, for the index.
func uniqueKey(k *kind, within string, names []string, fields map[string]any) string {
	return within + "/" + k.name + pretty(pick(names, fields))
}

func pick(names []string, fields map[string]any) map[string]any {
	out := map[string]any{}
	for _, n := range names {
		out[n] = fields[n]
	}
	return out
}

// bySeq sorts rows in the order of their creation, the latest first.
func bySeq(rows []*entity) {
	slices.SortFunc(rows, func(a, b *entity) int { return cmp.Compare(b.seq, a.seq) })
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func refID(v any) string {
	m, _ := v.(map[string]any)
	return text(m["id"])
}
