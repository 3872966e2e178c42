package config

import (
	"reflect"
	"sync"
)

// Variable describes one variable of the environment.
type Variable struct {
	Name    string
	Default string // "" if there is none
	Meaning string
	Secret  bool // better given as NAME_FILE; its value is never printed
	// Pattern reports whether Name has a part that the operator chooses.
	Pattern bool
	field   string
	// mayBeEmpty reports whether an empty file is no value, rather than a mistake.
	mayBeEmpty bool
}

var variables = sync.OnceValue(func() []Variable {
	var out []Variable
	for f := range reflect.TypeFor[Config]().Fields() {
		name, ok := f.Tag.Lookup("env")
		switch {
		case !ok:
			continue
		case name == "-":
			out = append(out, allProviderVariables()...)
			continue
		}
		out = append(out, Variable{
			Name: name, Default: f.Tag.Get("envDefault"), Meaning: f.Tag.Get("doc"),
			Secret: f.Tag.Get("secret") == "true", field: f.Name, mayBeEmpty: f.Tag.Get("empty") == "true",
		})
	}
	return out
})

// Describe lists all variables in the order of the documentation.
func Describe() []Variable { return variables() }

// byField returns the variable that fills a field of Config.
func byField(field string) Variable {
	for _, v := range variables() {
		if v.field == field {
			return v
		}
	}
	return Variable{Name: field}
}
