package api

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// maxFieldName bounds what a refusal repeats of a name that the client made up.
const maxFieldName = 64

// checkJSON refuses what is not one JSON value in UTF-8 that means the same to
// every reader.
func checkJSON(body []byte) error {
	// json.Valid refuses data behind the value. NUL is text in JSON but in
	// neither database.
	if !utf8.Valid(body) || !json.Valid(body) || bytes.Contains(body, []byte(`\u0000`)) {
		return errInvalidRequest("the body is not one JSON value in UTF-8 without NUL")
	}
	if path, ok := duplicateName(body); ok {
		return errInvalidRequest("the body has an object with a duplicate name").WithField(path)
	}
	return nil
}

// duplicateName looks for an object that has a name twice, at any depth, and
// returns the path of the first. Names are compared as they read, after escapes:
// of such members one reader takes the first, another the last, so I-JSON forbids
// them (RFC 7493, section 2.3). The body must be valid JSON.
func duplicateName(body []byte) (path string, found bool) {
	type level struct {
		names map[string]struct{} // nil in an array
		name  string              // of the member that is being read
		value bool                // a value comes next, not a name
	}
	var levels []level
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber() // a number beyond float64 is for the schema to judge
	for {
		token, err := dec.Token()
		if err != nil {
			return "", false // io.EOF: the body is valid
		}
		top := len(levels) - 1
		if delim, ok := token.(json.Delim); ok {
			switch delim {
			case '{':
				levels = append(levels, level{names: map[string]struct{}{}})
			case '[':
				levels = append(levels, level{})
			default:
				levels = levels[:top]
				if top--; top >= 0 {
					levels[top].value = false
				}
			}
			continue
		}
		if top < 0 || levels[top].names == nil {
			continue
		}
		if levels[top].value {
			levels[top].value = false
			continue
		}
		name := token.(string) // a name is a string, see json.Decoder.Token
		levels[top].name, levels[top].value = name, true
		if _, ok := levels[top].names[name]; ok {
			var names []string
			for _, l := range levels {
				if l.names != nil {
					names = append(names, l.name)
				}
			}
			return printable(strings.Join(names, "."), maxFieldName), true
		}
		levels[top].names[name] = struct{}{}
	}
}
