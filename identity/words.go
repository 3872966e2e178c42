package identity

import (
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
)

// Words are a list that is stored as one text column, with a space between.
type Words []string

// HasAll reports whether all of these are among the words.
func (w Words) HasAll(of []string) bool {
	return !slices.ContainsFunc(of, func(s string) bool { return !slices.Contains(w, s) })
}

// With returns the words with more of them, each once, in order.
func (w Words) With(more []string) Words {
	out := slices.Clone(w)
	for _, s := range more {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// Value implements driver.Valuer.
func (w Words) Value() (driver.Value, error) { return strings.Join(w, " "), nil }

// Scan implements sql.Scanner.
func (w *Words) Scan(src any) error {
	switch v := src.(type) {
	case string:
		*w = strings.Fields(v)
	case []byte:
		*w = strings.Fields(string(v))
	default:
		return fmt.Errorf("words: cannot scan %T", src)
	}
	if len(*w) == 0 {
		*w = nil
	}
	return nil
}
