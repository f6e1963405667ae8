package manifests

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// maxSecret is the most that a secret may hold.
const maxSecret = 256 << 10

// Value is what a field holds that may be a secret: the value itself, or a
// reference to where it stands, which is looked up as late as possible and again
// whenever that changes.
type Value struct {
	inline v1.Secret
	env    string // of ${env:NAME}
	file   string // of ${file:/path}
	at     v1.Origin
}

// isReference reports whether the value stands somewhere else.
func (v Value) isReference() bool { return v.env != "" || v.file != "" }

// String names where the value comes from, never the value.
func (v Value) String() string {
	switch {
	case v.env != "":
		return "${env:" + v.env + "}"
	case v.file != "":
		return "${file:" + v.file + "}"
	}
	return v.inline.String()
}

var (
	reference = regexp.MustCompile(`^\$\{([^:{}]*):([^{}]*)\}$`)
	envName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// value reads a field that may be a secret; what is wrong is reported.
func (r *reader) value(e entry) Value {
	text, ok := r.text(e, 2)
	if !ok {
		return Value{}
	}
	at := r.at(e.value)
	if !strings.Contains(text, wordy) {
		return Value{inline: v1.NewSecret(text), at: at}
	}
	return r.refer(e.key, at, text)
}

// refer reads what must be a reference.
func (r *reader) refer(key string, at v1.Origin, text string) Value {
	parts := reference.FindStringSubmatch(text)
	if parts == nil {
		r.report(at, key+" holds ${…} that is no reference to a secret", "write ${env:NAME} or ${file:/path} and nothing else")
		return Value{}
	}
	switch source, name := parts[1], parts[2]; source {
	case "env":
		if !envName.MatchString(name) {
			r.report(at, fmt.Sprintf("%s is no variable's name", shown(name)), "use letters, digits and _")
			return Value{}
		}
		return Value{env: name, at: at}
	case "file":
		return r.file(at, name)
	default:
		r.unknown(at, "source of secrets", source, []string{"env", "file"})
		return Value{}
	}
}

// referWithin checks what must be references within a list that was read, at any depth.
func (r *reader) referWithin(key string, n *yaml.Node) {
	at := r.at(n)
	for n.Kind == yaml.AliasNode && n.Alias != nil {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.SequenceNode:
		for _, item := range n.Content {
			r.referWithin(key, item)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i]
			if strings.Contains(name.Value, wordy) {
				r.report(r.at(name), shown(name.Value)+" stands where the name of a field does, and no reference can", "write the name itself; a value may be a reference")
			}
			r.referWithin(name.Value, n.Content[i+1])
		}
	case yaml.ScalarNode, yaml.DocumentNode, yaml.AliasNode:
		if strings.Contains(n.Value, wordy) {
			r.refer(key, at, n.Value)
		}
	}
}

// meant returns what a text refers to as a whole; false: it is no reference.
func meant(text string) (Value, bool) {
	parts := reference.FindStringSubmatch(text)
	switch {
	case parts == nil:
		return Value{}, false
	case parts[1] == "file":
		return Value{file: filepath.Clean(parts[2])}, true
	}
	return Value{env: parts[2]}, true
}

// file returns the value that stands in a file.
func (r *reader) file(at v1.Origin, path string) Value {
	if !filepath.IsAbs(path) {
		r.report(at, fmt.Sprintf("the path %s does not begin with /", shown(path)), "write the whole path, as the daemon sees it")
		return Value{}
	}
	return Value{file: filepath.Clean(path), at: at}
}

// ParseReference reads what a flag says of a secret: /path, file:/path or env:NAME,
// with or without the ${} of manifests. A flag that holds a secret itself is refused:
// every user of the machine can read it. The error never repeats the text.
func ParseReference(text string) (Value, error) {
	if filepath.IsAbs(text) {
		return Value{file: filepath.Clean(text)}, nil
	}
	if !strings.HasPrefix(text, wordy) {
		text = wordy + text + "}"
	}
	parts := reference.FindStringSubmatch(text)
	switch {
	case parts != nil && parts[1] == "env" && envName.MatchString(parts[2]):
		return Value{env: parts[2]}, nil
	case parts != nil && parts[1] == "file" && filepath.IsAbs(parts[2]):
		return Value{file: filepath.Clean(parts[2])}, nil
	}
	return Value{}, errors.New("a secret is named by where it stands: /path (the whole of it), or env:NAME")
}

// Reveal looks the value up, without the newline that editors put at its end. The
// error never repeats it.
func (v Value) Reveal() (v1.Secret, error) {
	secret, err := v.reveal()
	return v1.NewSecret(trailingNewline.ReplaceAllString(secret.Reveal(), "")), err
}

// unsetError says that a variable, by name, is not set.
type unsetError string

func (e unsetError) Error() string {
	return fmt.Sprintf("the variable %s is not set for the daemon", string(e))
}

// SecretRemedy says what to do where a secret can't be looked up.
func SecretRemedy(err error) string {
	if _, unset := errors.AsType[unsetError](err); unset {
		return "set it and start the daemon anew, which has the variables of its start alone"
	}
	return "see that the daemon can read it"
}

// reveal looks the value up. The error never repeats it.
func (v Value) reveal() (v1.Secret, error) {
	switch {
	case v.env != "":
		text, ok := os.LookupEnv(v.env)
		if !ok || text == "" {
			return v1.Secret{}, unsetError(v.env)
		}
		return v1.NewSecret(text), nil
	case v.file != "":
		text, err := readBounded(v.file, maxSecret)
		if err != nil {
			return v1.Secret{}, err
		}
		if strings.TrimSpace(string(text)) == "" {
			return v1.Secret{}, fmt.Errorf("the file %s is empty", v.file)
		}
		return v1.NewSecret(string(text)), nil
	}
	return v.inline, nil
}
