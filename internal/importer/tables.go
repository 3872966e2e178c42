package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// table is a table of the source with the columns that are wanted of it.
type table struct {
	name    string // quoted
	columns map[string]string
	types   map[string]string
	fields  []field
}

// has reports whether the table has a column for the field.
func (t table) has(name string) bool { return t.columns[name] != "" }

// field is a column by the names that versions and adapters give it, compared
// without case and separators.
type field struct {
	name     string
	columns  []string
	optional bool
}

func need(name string, columns ...string) field { return field{name: name, columns: columns} }

func maybe(name string, columns ...string) field {
	return field{name: name, columns: columns, optional: true}
}

// flat is a name without case and separators: emailVerified, email_verified,
// "E-Mail Verified".
func flat(s string) string {
	return strings.Map(func(c rune) rune {
		switch c {
		case '_', '-', ' ', '.':
			return -1
		}
		return c
	}, strings.ToLower(strings.TrimSpace(s)))
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

var errNoTable = errors.New("no such table")

// find finds a table by the first of its names that there is, with its columns. What
// the URL is about goes first, then a spelling that is exactly the name. A table that
// lacks a column is somebody else's of the same name.
func (d *database) find(ctx context.Context, schema string, names []string, fields ...field) (table, error) {
	if d.schema != "" {
		schema = d.schema
	}
	var candidates []listed
	for _, near := range []bool{true, false} {
		for _, name := range names {
			for _, exact := range []bool{true, false} {
				for _, t := range d.tables {
					same := t.name == d.prefix+name
					if schema != "" && t.schema != schema || t.near != near || same != exact || flat(t.name) != flat(d.prefix)+flat(name) {
						continue
					}
					candidates = append(candidates, t)
				}
			}
		}
	}
	err := fmt.Errorf("%w: %s", errNoTable, d.prefix+strings.Join(names, " or "+d.prefix))
	for i, c := range candidates {
		t := table{name: quote(c.name), columns: map[string]string{}, types: map[string]string{}}
		if c.schema != "" {
			t.name = quote(c.schema) + "." + t.name
		}
		lacks := d.describe(ctx, &t, fields)
		if lacks == nil {
			return t, nil
		}
		if i == 0 {
			err = lacks
		}
	}
	return table{}, err
}

func (d *database) describe(ctx context.Context, t *table, fields []field) error {
	rows, err := d.tx.QueryContext(ctx, "SELECT * FROM "+t.name+" WHERE 1 = 0") //nolint:gosec // quoted, and from the catalogue
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.ColumnTypes()
	if err != nil {
		return err
	}
	t.fields = nil
	for _, f := range fields {
		for _, want := range f.columns {
			for _, exact := range []bool{true, false} {
				for _, have := range columns {
					if t.columns[f.name] == "" && flat(have.Name()) == flat(want) && (!exact || have.Name() == want) {
						t.columns[f.name], t.types[f.name] = quote(have.Name()), strings.ToUpper(have.DatabaseTypeName())
					}
				}
			}
		}
		switch {
		case t.has(f.name):
			t.fields = append(t.fields, f)
		case !f.optional:
			return fmt.Errorf("table %s has no column %s", t.name, strings.Join(f.columns, " or "))
		}
	}
	return rows.Err()
}

// guessPrefix finds the prefix that all names of tables have, if there is one for which
// the tables that the system always has are there.
func (d *database) guessPrefix(l layout) error {
	has := func(prefix string, names []string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			return slices.ContainsFunc(d.tables, func(t listed) bool { return flat(t.name) == prefix+flat(name) })
		})
	}
	whole := func(prefix string) bool {
		return has(prefix, l.users) && !slices.ContainsFunc(l.children, func(c children) bool { return !c.optional && !has(prefix, c.names) })
	}
	if d.prefix != "" || whole("") {
		return nil
	}
	var prefixes []string
	for _, t := range d.tables {
		for _, name := range l.users {
			prefix, ok := strings.CutSuffix(flat(t.name), flat(name))
			if ok && prefix != "" && !slices.Contains(prefixes, prefix) && whole(prefix) {
				prefixes = append(prefixes, prefix)
			}
		}
	}
	if len(prefixes) > 1 {
		return fmt.Errorf("tables of several prefixes are there: say --table-prefix with one of %s", strings.Join(prefixes, ", "))
	}
	if len(prefixes) == 1 {
		d.prefix = prefixes[0]
		d.found = append(d.found, Fault{Reason: "tables were found by a prefix; --table-prefix names another", Value: ""})
	}
	return nil
}
