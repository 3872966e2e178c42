package storagetest

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/latchkey/latchkey/identity"
)

// Same asserts that what came back is what went in. It compares the JSON of
// both, which tells nil from empty and one zone from another, but not one
// representation of a UTC time from another.
func Same(t *testing.T, got, want any) {
	t.Helper()
	g, w := text(t, got), text(t, want)
	if g != w {
		t.Errorf("\n got %.2000s\nwant %.2000s", g, w)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// WantNotFound asserts the one error for rows that are not there.
func WantNotFound(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, identity.ErrNotFound) {
		t.Errorf("%s: %v, want not found", what, err)
	}
}

// WantCode asserts a refusal.
func WantCode(t *testing.T, what string, err error, code identity.Code) {
	t.Helper()
	if identity.ErrorCode(err) != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}
