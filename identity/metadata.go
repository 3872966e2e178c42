package identity

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// What an application may keep with a user.
const (
	MaxMetadataBytes = 16 << 10 // of JSON
	MaxMetadataDepth = 16       // of objects and lists in each other
)

// RawMetadata is Metadata as compact text, "" for an empty object. Decoded it
// takes ten to twenty times the memory, and most who read a user never look into
// it.
type RawMetadata string

// Raw returns the metadata as text. It panics on values that JSON does not have,
// which only code can put there.
func (m Metadata) Raw() RawMetadata {
	if len(m) == 0 {
		return ""
	}
	v, err := m.Value()
	if err != nil {
		panic(fmt.Sprintf("metadata: %v", err))
	}
	return RawMetadata(v.(string)) //nolint:forcetypeassert // see Value
}

// Map decodes the metadata. The map is the caller's own, and never nil.
func (r RawMetadata) Map() Metadata {
	m := Metadata{}
	if r != "" {
		_ = json.Unmarshal([]byte(r), &m) // Scan has seen that it is an object
	}
	return m
}

// Value implements driver.Valuer.
func (r RawMetadata) Value() (driver.Value, error) {
	if r == "" {
		return "{}", nil
	}
	return string(r), nil
}

// Scan implements sql.Scanner.
func (r *RawMetadata) Scan(src any) error {
	var text []byte
	switch v := src.(type) {
	case nil:
	case []byte:
		text = v
	case string:
		text = []byte(v)
	default:
		return fmt.Errorf("metadata: cannot scan %T", src)
	}
	if s := string(text); s == "" || s == "{}" || s == "null" {
		*r = ""
		return nil
	}
	var compact bytes.Buffer // jsonb has spaces
	if err := json.Compact(&compact, text); err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	if compact.Bytes()[0] != '{' {
		return errors.New("metadata: no JSON object")
	}
	if *r = ""; compact.Len() > len("{}") {
		*r = RawMetadata(compact.String())
	}
	return nil
}

// CheckMetadata refuses what an application may not keep with a user: too much,
// too deep, or text that a database would change.
func CheckMetadata(m Metadata) error {
	invalid := func(format string, args ...any) error {
		return NewError(CodeInvalidRequest, format, args...).WithField("metadata")
	}
	b, err := json.Marshal(m)
	if err != nil {
		return invalid("metadata must be a JSON object")
	}
	longer, depth := measure(map[string]any(m))
	if depth > MaxMetadataDepth {
		return invalid("metadata can nest at most %d levels", MaxMetadataDepth)
	}
	if len(b)+longer > MaxMetadataBytes {
		return invalid("metadata can have at most %d bytes of JSON", MaxMetadataBytes)
	}
	if stored, err := m.Value(); err != nil || stored != string(b) {
		return invalid("metadata cannot contain NUL")
	}
	return nil
}

// measure returns how deep a JSON value nests, and how much longer its numbers
// get where they are written without an exponent, as PostgreSQL's jsonb does:
// 1e308 is 309 digits there.
func measure(v any) (longer, depth int) {
	add := func(e any) {
		l, d := measure(e)
		longer, depth = longer+l, max(depth, d)
	}
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			add(e)
		}
		return longer, depth + 1
	case []any:
		for _, e := range v {
			add(e)
		}
		return longer, depth + 1
	case float64:
		if a := math.Abs(v); a >= 1e21 || a > 0 && a < 1e-6 { // encoding/json writes an exponent
			return len(strconv.FormatFloat(v, 'f', -1, 64)), 0
		}
	}
	return 0, 0
}
