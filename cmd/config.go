package cmd

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	v1 "github.com/lockstep/lockstep/api/v1"
	"github.com/lockstep/lockstep/manifests"
)

// configFlag is the flag that names a file of settings, which has no field itself.
const configFlag = "config"

// daemonFlags are all flags that a Config may have fields for.
func daemonFlags() *pflag.FlagSet {
	var s settings
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	s.bindDaemon(flags)
	return flags
}

// fieldOf returns the field of a flag: --state-dir is state_dir.
func fieldOf(flag string) string { return strings.ReplaceAll(flag, "-", "_") }

// fromConfig sets the flags that neither the command line nor a variable has set from
// the file that --config names. Fields of flags that the command does not have are
// checked all the same, and left.
func fromConfig(f *pflag.FlagSet) error {
	named := f.Lookup(configFlag)
	if named == nil || named.Value.String() == "" {
		return nil
	}
	path := named.Value.String()
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("--%s: %w", configFlag, err)
	}
	settings, problems := manifests.Settings(path, text)
	problems = append(problems, applySettings(f, settings)...)
	if len(problems) == 0 {
		return nil
	}
	var b strings.Builder
	printPlaced(&printer{out: &b}, problems, map[string][]byte{path: text})
	return fmt.Errorf("--%s: there is something wrong\n%s", configFlag, strings.TrimRight(b.String(), "\n"))
}

// applySettings sets flags, and says what is wrong with settings.
func applySettings(f *pflag.FlagSet, settings []manifests.Setting) []v1.Problem {
	all, checks := daemonFlags(), valueChecks(leastOf(f))
	var problems []v1.Problem
	for _, s := range settings {
		wrong := func(at v1.Origin, message, fix string) {
			problems = append(problems, v1.Problem{Reason: v1.InvalidManifest, Origin: at, Message: message, Fix: fix})
		}
		name := strings.ReplaceAll(s.Name, "_", "-")
		known := all.Lookup(name)
		if known == nil || known.Hidden || name == configFlag || fieldOf(name) != s.Name {
			message, fix := unknownSetting(all, s.Name)
			wrong(s.Origin, message, fix)
			continue
		}
		if i, why, fix := mistyped(known, s); why != "" {
			wrong(s.At[i], why, fix)
			continue
		}
		if err := set(known, s); err != nil {
			at := s.Origin
			if len(s.At) > 0 {
				at = s.At[0]
			}
			wrong(at, fmt.Sprintf("%s can't be set: %s", s.Name, v1.OneLine(err.Error())), "see --"+name+" in: lockstep run --help")
			continue
		}
		if i, why := wrongValue(name, checks[name], s.Values); why != "" {
			message, fix := remedied(v1.OneLine(why))
			wrong(s.At[i], message, or(fix, "see --"+name+" in: lockstep run --help"))
			continue
		}
		own := f.Lookup(name)
		if own == nil || own.Changed {
			continue
		}
		var err error
		if s.Values, err = located(s.Origin.File, own, s.Values); err == nil {
			err = set(own, s)
		}
		if own.Changed = true; err == nil {
			err = f.SetAnnotation(name, fromVariable, []string{v1.Origin{File: s.Origin.File, Line: s.Origin.Line, Column: s.Origin.Column}.String()})
		}
		if err != nil {
			wrong(s.Origin, err.Error(), "see --"+name+" in: lockstep run --help")
		}
	}
	return problems
}

// remedied cuts an error into what is wrong and, behind its last semicolon, what to do.
func remedied(text string) (message, fix string) {
	if i := strings.LastIndex(text, "; "); i >= 0 {
		return text[:i], text[i+2:]
	}
	return text, ""
}

// set sets a flag as a Config says it.
func set(f *pflag.Flag, s manifests.Setting) error {
	if list, isList := f.Value.(pflag.SliceValue); isList {
		return list.Replace(slices.Clone(s.Values)) //nolint:wrapcheck // the caller says of what it speaks
	}
	if s.List || len(s.Values) != 1 {
		return fmt.Errorf("it has one value, not a list")
	}
	return f.Value.Set(s.Values[0]) //nolint:wrapcheck // likewise
}

// mistyped says which value of a setting is of another type than its flag, and what to do; ""
// for none. As in manifests, numbers count as text, and true and false may stand between quotes.
func mistyped(f *pflag.Flag, s manifests.Setting) (value int, why, fix string) {
	for i, truth := range s.Truth {
		switch isBool := f.Value.Type() == "bool"; {
		case isBool && !truth && s.Values[i] != "true" && s.Values[i] != "false":
			return i, fmt.Sprintf("%s is true or false, not %s", s.Name, v1.OneLine(strconv.Quote(s.Values[i]))), "write true or false"
		case !isBool && truth:
			return i, fmt.Sprintf("%s is neither true nor false", s.Name), "put the value between quotes if it is meant, or see --" + f.Name + " in: lockstep run --help"
		}
	}
	return 0, "", ""
}

// unknownSetting says what is wrong with a field that no flag has, and what to do.
func unknownSetting(all *pflag.FlagSet, name string) (message, fix string) {
	var known []string
	all.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Name != configFlag {
			known = append(known, fieldOf(f.Name))
		}
	})
	message = fmt.Sprintf("unknown field %q", v1.OneLine(name))
	if near := v1.Nearest(name, known); near != "" {
		return message, fmt.Sprintf("did you mean %s?", near)
	}
	return message, "see lockstep run --help: --state-dir is state_dir"
}
