package api

import (
	"strings"
	"testing"
)

func TestDuplicateName(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{ // the path of the name, "" for none
		`{}`:                                    "",
		`[]`:                                    "",
		`"a"`:                                   "",
		`1e999`:                                 "",
		`{"a":1,"b":1,"A":1}`:                   "",
		`{"a":"a","b":"a"}`:                     "", // values are no names
		`{"a":["a","a",{"a":1},{"a":1}],"b":1}`: "",
		`{"a":{"b":{"b":1}},"b":{"a":1}}`:       "",
		`{"a":{},"b":[],"c":[{}]}`:              "",

		`{"a":1,"a":1}`:                          "a",
		`{"a":1,"b":2,"a":null}`:                 "a",
		`{"a":1,"\u0061":2}`:                     "a", // the same name, written otherwise
		`{"a/b":1,"a\/b":2}`:                     "a/b",
		`{"m":{"x":{"y":1,"y":2}}}`:              "m.x.y",
		`{"m":[1,[2,{"y":1,"y":2}]]}`:            "m.y",
		`[{"a":1},{"a":1,"b":{},"a":2}]`:         "a",
		`{"a":{"b":[{}]},"c":[[]],"a":1}`:        "a",
		`{"a":{"b":1,"b":2},"a":1}`:              "a.b", // the first
		`{"` + strings.Repeat("n", 500) + `":1}`: "",
	} {
		path, found := duplicateName([]byte(body))
		if path != want || found != (want != "") {
			t.Errorf("%.80s: %q %v, want %q", body, path, found, want)
		}
	}
	for _, body := range []string{`{"\ud800":1,"\udfff":2}`, `{"":1,"":2}`} { // names that cannot be shown
		if _, found := duplicateName([]byte(body)); !found {
			t.Errorf("%s: no duplicate found", body)
		}
	}
	long := strings.Repeat("n", 500)
	if path, found := duplicateName([]byte(`{"` + long + `":1,"` + long + `":2}`)); !found || len(path) > maxFieldName {
		t.Errorf("a long name: %v, %d bytes repeated", found, len(path))
	}
	deep := strings.Repeat(`{"a":`, 9000) + `{"b":1,"b":2}` + strings.Repeat("}", 9000)
	if _, found := duplicateName([]byte(deep)); !found {
		t.Error("not found at depth 9000")
	}
}
