package importer_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/importer"
)

var importedOn = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// peopleOf reads all of a source, with what was wrong with it.
func peopleOf(t *testing.T, system, source string, edit ...func(*importer.Settings)) ([]importer.Person, []importer.Fault) {
	t.Helper()
	settings := importer.Settings{Now: func() time.Time { return importedOn }}
	for _, e := range edit {
		e(&settings)
	}
	src, err := importer.Open(t.Context(), system, source, settings)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	}()
	total, err := src.Total(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var people []importer.Person
	var faults []importer.Fault
	for {
		page, err := src.Next(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		faults = append(faults, src.Faults()...)
		if len(page) == 0 {
			break
		}
		for _, p := range page {
			faults = append(faults, p.Faults...)
		}
		people = append(people, page...)
	}
	if total != int64(len(people)) {
		t.Errorf("%d people are %d", total, len(people))
	}
	return people, faults
}

// short writes people in a line each, to be compared.
func short(people []importer.Person) []string {
	var out []string
	for _, p := range people {
		words := []string{p.ID, p.Name}
		for _, a := range p.Addresses {
			word := a.Email
			if a.Verified && !a.Vetoed {
				word += "+"
			}
			if a.Vetoed {
				word += "!"
			}
			words = append(words, word)
		}
		for _, a := range p.Accounts {
			words = append(words, strings.TrimSuffix(a.Provider+":"+a.Subject, ":"))
		}
		if p.Ban != nil {
			words = append(words, "banned")
			if p.Ban.Until != nil {
				words = append(words, p.Ban.Until.Format(time.DateOnly))
			}
		}
		if p.Deleted {
			words = append(words, "deleted")
		}
		out = append(out, strings.Join(words, " "))
	}
	return out
}

func wantPeople(t *testing.T, what string, people []importer.Person, want ...string) {
	t.Helper()
	if got := short(people); !slices.Equal(got, want) {
		t.Errorf("%s: people are\n%s\nnot\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// reasons are those of faults, with the lines where they are.
func reasons(faults []importer.Fault) string {
	var out []string
	for _, f := range faults {
		out = append(out, importer.Entry{Reason: f.Reason, ID: f.ID, Line: f.Line, Column: f.Column}.String()+" "+f.Reason)
	}
	return strings.Join(out, "\n")
}

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
