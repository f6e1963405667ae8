package manifests

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// template is a text of a decK file with variables in it: ${{ env "DECK_NAME" }}.
// decK puts them into the file before it reads it, so that an unquoted one may be
// a number.
type template struct {
	text  string // as it is written
	typed bool   // nothing else stands there, and no quotes around it
	at    v1.Origin
}

var (
	variable = regexp.MustCompile(`\$\{\{\s*env\s+["']([^"']*)["']\s*(?:\|\s*(toInt|toBool|toFloat)\s*)?\}\}`)
	opening  = regexp.MustCompile(`\$\{\{`)
)

// template reads a text that holds variables.
func (w *words) template(at v1.Origin, n *yaml.Node) any {
	found := variable.FindAllStringSubmatch(n.Value, -1)
	if len(found) != len(opening.FindAllString(n.Value, -1)) {
		w.report(at, "${{ … }} that is no variable", `write ${{ env "DECK_NAME" }}`)
		return nil
	}
	for _, parts := range found {
		if !strings.HasPrefix(parts[1], "DECK_") || !envName.MatchString(parts[1]) {
			w.report(at, fmt.Sprintf("the variable %s does not begin with DECK_, as decK asks", shown(parts[1])), "call it DECK_…")
			return nil
		}
	}
	whole := variable.FindString(n.Value) == n.Value
	return template{text: n.Value, typed: whole && (n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 || found[0][2] != ""), at: at}
}

// String is what is written, never what it stands for.
func (t template) String() string { return t.text }

// reveal puts the variables in. The error never repeats them.
func (t template) reveal() (any, error) {
	var failed error
	text := variable.ReplaceAllStringFunc(t.text, func(one string) string {
		name := variable.FindStringSubmatch(one)[1]
		value, ok := os.LookupEnv(name)
		if (!ok || value == "") && failed == nil {
			failed = fmt.Errorf("the variable %s is not set for the daemon", name)
		}
		return value
	})
	if failed != nil {
		return nil, failed
	}
	if !t.typed {
		return v1.NewSecret(text), nil
	}
	switch variable.FindStringSubmatch(t.text)[2] {
	case "toInt":
		if number, err := strconv.ParseInt(text, 10, 64); err == nil {
			return number, nil
		}
		return nil, fmt.Errorf("%s is no whole number", t.text)
	case "toFloat":
		if number, err := strconv.ParseFloat(text, 64); err == nil {
			return number, nil
		}
		return nil, fmt.Errorf("%s is no number", t.text)
	case "toBool":
		if truth, err := strconv.ParseBool(text); err == nil {
			return truth, nil
		}
		return nil, fmt.Errorf("%s is neither true nor false", t.text)
	}
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err == nil {
		switch value := value.(type) {
		case int, int64, float64, bool:
			return value, nil
		}
	}
	return v1.NewSecret(text), nil
}
