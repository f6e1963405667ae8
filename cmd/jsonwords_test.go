package cmd

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// words are the comments of a package: of a type, of "Type.Field", and the constants of a type.
type words struct {
	of     map[string]string
	values map[string][]string // by type: "`value`: comment"
}

// wordsOf returns the comments of a type's package.
func (p *jsonTypes) wordsOf(of reflect.Type) *words {
	path, ours := strings.CutPrefix(of.PkgPath(), module)
	if !ours {
		p.t.Fatalf("%s is not of this module: its fields can't be told", of)
	}
	if known := p.packages[path]; known != nil {
		return known
	}
	known := &words{of: map[string]string{}, values: map[string][]string{}}
	p.packages[path] = known
	files, err := filepath.Glob(filepath.Join("..", path, "*.go"))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			p.t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			if general, ok := declaration.(*ast.GenDecl); ok {
				known.read(general)
			}
		}
	}
	return known
}

// read takes the comments of a declaration.
func (w *words) read(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			doc := s.Doc
			if doc == nil {
				doc = d.Doc
			}
			w.of[s.Name.Name] = sentence(doc, nil)
			if body, ok := s.Type.(*ast.StructType); ok {
				w.readFields(s.Name.Name, body)
			}
		case *ast.ValueSpec:
			of, named := s.Type.(*ast.Ident)
			if d.Tok != token.CONST || !named || len(s.Values) != 1 {
				continue
			}
			if literal, ok := s.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				value, err := strconv.Unquote(literal.Value)
				if err != nil || value == "" {
					continue
				}
				said := "`" + value + "`"
				if meaning := sentence(s.Doc, s.Comment); meaning != "" {
					said += ": " + meaning
				}
				w.values[of.Name] = append(w.values[of.Name], said)
			}
		}
	}
}

// readFields takes the comments of a type's fields. One that names several is said of each.
func (w *words) readFields(of string, body *ast.StructType) {
	last := ""
	for _, field := range body.Fields.List {
		said := sentence(field.Doc, field.Comment)
		for _, name := range field.Names {
			if said == "" && slices.Contains(strings.FieldsFunc(last, func(r rune) bool { return !unicode.IsLetter(r) }), name.Name) {
				said = last
			}
			w.of[of+"."+name.Name] = said
		}
		last = said
	}
}

// sentence is a comment as one line.
func sentence(comments ...*ast.CommentGroup) string {
	var parts []string
	for _, c := range comments {
		if c != nil {
			parts = append(parts, strings.Join(strings.Fields(c.Text()), " "))
		}
	}
	return strings.Join(parts, " ")
}
