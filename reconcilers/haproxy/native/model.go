package native

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/go-openapi/errors"
	"github.com/go-openapi/strfmt"

	v1 "github.com/lockstep/lockstep/api/v1"
)

// validator is what each of client-native's models has.
type validator interface {
	Validate(strfmt.Registry) error
}

// decodeModel fills in a model with the fields that fit it, and has it look whether its
// values are possible. It returns all that is wrong; the model is good for nothing then.
// besides are fields that may be meant, beside its own.
func decodeModel(of reflect.Type, path string, fields map[string]any, besides ...string) (validator, []Fault) {
	in := inspection{top: path, besides: besides}
	fit, _ := in.fitting(of, path, fields)
	model, ok := reflect.TypeAssert[validator](reflect.New(of))
	if !ok {
		return nil, []Fault{{path, of.Name() + " is no model of HAProxy's", "write another field"}}
	}
	text, err := json.Marshal(fit)
	if err == nil {
		err = json.Unmarshal(text, model)
	}
	if err != nil {
		return nil, append(in.faults, Fault{path, "it can't be read: " + v1.OneLine(err.Error()), "write it differently"})
	}
	return model, append(in.faults, impossible(path, model.Validate(strfmt.Default), len(in.faults) > 0)...)
}

// impossible returns what a model says of values that it can't have. Where other things are
// wrong with it, what it lacks is probably one of them.
func impossible(path string, err error, otherwise bool) []Fault {
	var faults []Fault
	switch e := err.(type) { //nolint:errorlint // models return them as they are
	case nil:
	case *errors.CompositeError:
		for _, one := range e.Errors {
			faults = append(faults, impossible(path, one, otherwise)...)
		}
	case *errors.Validation:
		if e.Code() != errors.RequiredFailCode || !otherwise {
			faults = append(faults, explain(path, e))
		}
	default:
		faults = append(faults, Fault{path, v1.OneLine(err.Error()), "write what HAProxy's model takes"})
	}
	return faults
}

// item is how a model says the place of an item of a list.
var item = regexp.MustCompile(`\.(\d+)`)

// explain says in our words what a model says of one field.
func explain(path string, e *errors.Validation) Fault {
	name := item.ReplaceAllString(e.Name, "[$1]")
	at := below(path, name)
	switch e.Code() {
	case errors.RequiredFailCode:
		return Fault{path, "there is no " + name, "write it"}
	case errors.EnumFailCode:
		var known []string
		for _, value := range e.Values {
			known = append(known, fmt.Sprint(value))
		}
		said := fmt.Sprint(e.Value)
		fix := "write one of: " + strings.Join(known, ", ")
		if near := v1.Nearest(said, known); near != "" {
			fix = "did you mean " + near + "?"
		}
		return Fault{at, fmt.Sprintf("unknown %s %q", last(at), said), fix}
	}
	said := strings.TrimPrefix(v1.OneLine(e.Error()), "validation failure list: ")
	return Fault{at, strings.Replace(said, e.Name+" in "+e.In, last(at), 1), "write what HAProxy's model takes"}
}

// jsonFields returns the fields of a struct by the names that JSON has for them.
func jsonFields(of reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for _, field := range reflect.VisibleFields(of) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" && name != "-" {
			fields[name] = field.Type
		}
	}
	return fields
}
