package identity_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
)

func metadata(t *testing.T, text string) identity.Metadata {
	t.Helper()
	var m identity.Metadata
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestCheckMetadata(t *testing.T) {
	t.Parallel()
	nested := func(open, end string, n int) string {
		return `{"a":` + strings.Repeat(open, n) + "1" + strings.Repeat(end, n) + `}`
	}
	filled := func(n int) string { return `{"a":"` + strings.Repeat("x", n-len(`{"a":""}`)) + `"}` }
	numbers := func(number string, n int) string {
		return `{"a":[` + strings.TrimSuffix(strings.Repeat(number+",", n), ",") + `]}`
	}
	for name, c := range map[string]struct {
		text string
		says string // "" for allowed
	}{
		"nothing":                  {`{}`, ""},
		"as long as allowed":       {filled(identity.MaxMetadataBytes), ""},
		"a byte more":              {filled(identity.MaxMetadataBytes + 1), "16384 bytes"},
		"lists, as deep":           {nested("[", "]", 15), ""},
		"lists, deeper":            {nested("[", "]", 16), "16 levels"},
		"objects, as deep":         {nested(`{"a":`, "}", 15), ""},
		"objects, deeper":          {nested(`{"a":`, "}", 16), "16 levels"},
		"very deep":                {nested("[", "]", 5000), "16 levels"},
		"deep after shallow":       {`{"b":[],"a":` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + `}`, "16 levels"},
		"many small numbers":       {numbers("0", 8000), ""},
		"numbers that jsonb grows": {numbers("1e308", 2000), "16384 bytes"},
		"fractions that it grows":  {numbers("1e-300", 2000), "16384 bytes"},
		"a few of them":            {numbers("-1e308", 20), ""},
		"NUL":                      {`{"a":"\u0000"}`, "NUL"},
	} {
		err := identity.CheckMetadata(metadata(t, c.text))
		if c.says == "" && err != nil || c.says != "" && (identity.ErrorCode(err) != identity.CodeInvalidRequest || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	if err := identity.CheckMetadata(identity.Metadata{"f": func() {}}); err == nil {
		t.Error("a function is allowed")
	}
}

// What is read is what was written, whatever spaces a database puts into it.
func TestRawMetadata(t *testing.T) {
	t.Parallel()
	for stored, want := range map[string]identity.RawMetadata{
		"": "", "{}": "", "{ }": "", "null": "",
		`{"a": [1, {"b": " x "}], "c": null}`: `{"a":[1,{"b":" x "}],"c":null}`,
	} {
		for _, src := range []any{stored, []byte(stored)} {
			r := identity.RawMetadata(`{"before":1}`)
			if err := r.Scan(src); err != nil || r != want {
				t.Errorf("%T %q: %q, %v, want %q", src, stored, r, err, want)
			}
			if got := r.Map(); got == nil || !reflect.DeepEqual(got.Raw(), want) {
				t.Errorf("%q: %v becomes %q", stored, got, got.Raw())
			}
		}
	}
	r := identity.RawMetadata("x")
	if err := r.Scan(nil); err != nil || r != "" {
		t.Errorf("nil: %q, %v", r, err)
	}
	for _, bad := range []any{"[1]", `"text"`, "1", `{"a":1`, `{"a":1}{}`, 42} {
		if err := new(identity.RawMetadata).Scan(bad); err == nil {
			t.Errorf("%v was scanned", bad)
		}
	}
	if v, err := identity.RawMetadata("").Value(); v != "{}" || err != nil {
		t.Errorf("empty is written as %v, %v", v, err)
	}
}
