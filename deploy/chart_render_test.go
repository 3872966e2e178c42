package deploy_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"go.yaml.in/yaml/v3"
)

const chart = "helm/latchkey"

// object is a YAML mapping.
type object = map[string]any

// render returns the objects of the chart as Helm makes them: Helm's templates are
// text/template with more functions, and these are the ones that the chart uses.
// `make test-packages` compares it with Helm itself.
func render(t *testing.T, set func(values object)) []object {
	t.Helper()
	var out []object
	for _, text := range renderTexts(t, set) {
		decoder := yaml.NewDecoder(strings.NewReader(text))
		for {
			var o object
			if err := decoder.Decode(&o); err != nil {
				break // the end; mistakes are found below
			}
			if o != nil {
				out = append(out, o)
			}
		}
		var all any
		if err := yaml.Unmarshal([]byte(text), &all); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
	}
	return out
}

// renderTexts returns what each template of the chart becomes, by its file.
func renderTexts(t *testing.T, set func(values object)) map[string]string {
	t.Helper()
	values := readYAML(t, chart+"/values.yaml")
	values["config"].(object)["LATCHKEY_PUBLIC_URL"] = "https://auth.example.com"
	if set != nil {
		set(values)
	}
	about := readYAML(t, chart+"/Chart.yaml")
	data := object{
		"Values":  values,
		"Chart":   object{"Name": about["name"], "Version": about["version"], "AppVersion": about["appVersion"]},
		"Release": object{"Name": "id", "Namespace": "auth", "Service": "Helm"},
	}
	root := template.New("").Option("missingkey=zero")
	root.Funcs(helmFuncs(root))
	files, err := filepath.Glob(chart + "/templates/*")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := filepath.Glob(chart + "/templates/tests/*.yaml")
	if err != nil || len(tests) == 0 {
		t.Fatal(err, tests)
	}
	out := map[string]string{}
	for _, file := range append(files, tests...) {
		if filepath.Ext(file) == "" {
			continue // the folder of tests
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := root.New(file).Parse(string(text)); err != nil {
			t.Fatal(err)
		}
		out[file] = ""
	}
	for file := range maps.Clone(out) {
		var b bytes.Buffer
		if err := root.ExecuteTemplate(&b, file, data); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".yaml") {
			out[file] = b.String()
		} else {
			delete(out, file)
		}
	}
	return out
}

// helmFuncs are functions of Helm and of its library sprig.
func helmFuncs(root *template.Template) template.FuncMap {
	return template.FuncMap{
		"include": func(name string, data any) (string, error) {
			var b bytes.Buffer
			err := root.ExecuteTemplate(&b, name, data)
			return b.String(), err
		},
		"toYaml": func(v any) (string, error) {
			var b bytes.Buffer
			encoder := yaml.NewEncoder(&b)
			encoder.SetIndent(2)
			err := encoder.Encode(v)
			return strings.TrimSuffix(b.String(), "\n"), err
		},
		"nindent": func(n int, s string) string {
			return "\n" + strings.Repeat(" ", n) + strings.ReplaceAll(s, "\n", "\n"+strings.Repeat(" ", n))
		},
		"quote": func(v any) string { return fmt.Sprintf("%q", fmt.Sprint(v)) },
		"default": func(def, v any) any {
			if v == nil || v == "" {
				return def
			}
			return v
		},
		"contains":   func(part, s string) bool { return strings.Contains(s, part) },
		"replace":    func(old, by, s string) string { return strings.ReplaceAll(s, old, by) },
		"trimSuffix": func(suffix, s string) string { return strings.TrimSuffix(s, suffix) },
		"trimPrefix": func(prefix, s string) string { return strings.TrimPrefix(s, prefix) },
		"trunc":      func(n int, s string) string { return s[:min(n, len(s))] },
		"int":        func(v any) int { return v.(int) },
		"add": func(terms ...any) (int, error) {
			sum := 0
			for _, term := range terms {
				n, ok := term.(int)
				if !ok {
					return 0, errors.New("add: not a number")
				}
				sum += n
			}
			return sum, nil
		},
	}
}

func readYAML(t *testing.T, file string) object {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out object
	if err := yaml.Unmarshal(text, &out); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return out
}

// at returns what a path leads to in an object: keys, and indexes of lists.
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for i, step := range path {
		switch step := step.(type) {
		case string:
			o, ok := v.(object)
			if !ok || o[step] == nil {
				t.Fatalf("nothing at %v", path[:i+1])
			}
			v = o[step]
		case int:
			list, ok := v.([]any)
			if !ok || len(list) <= step {
				t.Fatalf("nothing at %v", path[:i+1])
			}
			v = list[step]
		}
	}
	return v
}
