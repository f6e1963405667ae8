package policy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// Condition is one expression of a rule, compiled. It is safe for concurrent use.
type Condition struct {
	text    string
	program cel.Program
	ofRoute bool
}

// Fault says what is wrong with an expression.
type Fault struct {
	// Line and Column are within the expression, from 1; 0 when nothing more is known.
	Line, Column int
	Message, Fix string
}

// undeclared is how CEL words a name that it does not know.
var undeclared = regexp.MustCompile(`undeclared reference to '([^']*)'`)

// unknown says that a name in an expression means nothing. Of a function CEL gives the
// place of its parenthesis; then functions are offered, and the place is that of the name.
func (f *Fault) unknown(name, text string, env *cel.Env) {
	noun, known := "name", wordNames()
	if lines := strings.Split(text, "\n"); f.Line >= 1 && f.Line <= len(lines) {
		line := []rune(lines[f.Line-1])
		if before := f.Column - 1; before >= 0 && before < len(line) && line[before] == '(' {
			noun, known = "function", functionNames(env)
			if i := strings.LastIndex(string(line[:before]), name); i >= 0 {
				f.Column = utf8.RuneCountInString(string(line[:before])[:i]) + 1
			}
		}
	}
	f.Message = fmt.Sprintf("unknown %s %q", noun, v1.OneLine(name))
	f.Fix = "use one of: " + strings.Join(known, ", ")
	if near := v1.Nearest(name, known); near != "" {
		f.Fix = fmt.Sprintf("did you mean %s?", near)
	}
}

// functionNames returns what can be called, sorted: no operators, and nothing of times,
// which no word gives.
func functionNames(env *cel.Env) []string {
	var names []string
	for name := range env.Functions() {
		names = append(names, name)
	}
	for _, macro := range env.Macros() {
		names = append(names, macro.Function())
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return name[0] < 'a' || name[0] > 'z' || name == "in" || strings.HasPrefix(name, "get")
	})
	slices.Sort(names)
	return slices.Compact(names)
}

// Compile reads an expression. Its names, types and size are checked here, so that
// what is left to fail is an index that is not there, and what costs too much.
func Compile(text string) (*Condition, *Fault) {
	const fix = "write an expression in CEL that is true or false, for example: project == \"shop\""
	if strings.TrimSpace(text) == "" {
		return nil, &Fault{Message: "the expression is empty", Fix: fix}
	}
	env, err := environment()
	if err != nil {
		return nil, &Fault{Message: "rules can't be read by this program: " + err.Error(), Fix: "report it"}
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		first := issues.Errors()[0]
		f := &Fault{Line: first.Location.Line(), Column: first.Location.Column() + 1, Message: "the expression can't be read: " + v1.OneLine(first.Message), Fix: fix}
		if name := undeclared.FindStringSubmatch(first.Message); name != nil {
			f.unknown(name[1], text, env)
		}
		return nil, f
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		return nil, &Fault{Message: fmt.Sprintf("the expression gives %s, not true or false", ast.OutputType()), Fix: fix}
	}
	program, err := env.Program(ast, cel.CostLimit(maxCost))
	if err != nil {
		return nil, &Fault{Message: "the expression can't be used: " + v1.OneLine(err.Error()), Fix: fix}
	}
	c := &Condition{text: text, program: program}
	for _, reference := range ast.NativeRep().ReferenceMap() {
		for i := range words {
			c.ofRoute = c.ofRoute || words[i].OfRoute && words[i].Name == reference.Name
		}
	}
	return c, nil
}

// String returns the expression as it was written; "true" for none, which holds always.
func (c *Condition) String() string {
	if c == nil {
		return "true"
	}
	return c.text
}

// holds answers the expression.
func (c *Condition) holds(about map[string]any) (bool, error) {
	value, _, err := c.program.Eval(about)
	if err != nil {
		return false, errors.New(v1.OneLine(err.Error()))
	}
	return value == types.True, nil
}
