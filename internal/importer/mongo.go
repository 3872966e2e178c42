package importer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// mongo is what mongoexport writes of the collections of a system: a file for each, in
// one folder. Documents have the fields that the tables have.
type mongo struct {
	*spool
	teams []Team
}

// openMongo reads a folder, or one of the files in it.
func openMongo(ctx context.Context, s *spool, system, source string) (*mongo, error) {
	l := systems[system]
	m := &mongo{spool: s}
	info, err := os.Stat(source)
	if err != nil {
		return nil, fmt.Errorf("--source: %w", err)
	}
	dir := source
	if !info.IsDir() {
		dir = filepath.Dir(source)
	}
	read := func(names []string, fields []field, each func(r record, doc map[string]any) error) error {
		return m.collection(dir, names, fields, each)
	}
	err = read(l.users, append(slices.Clone(l.fields), commonFields...), func(r record, doc map[string]any) error {
		p := m.user(l, r, doc)
		return s.add(ctx, p)
	})
	if err != nil {
		return nil, fmt.Errorf("this does not look like an export of %s: %w", system, err)
	}
	for _, c := range l.children {
		err := read(c.names, c.fields, func(r record, _ map[string]any) error {
			p := Person{ID: text(r["user"])}
			c.add(r, &p)
			return s.addTo(ctx, p)
		})
		if err != nil && (!c.optional || !errors.Is(err, os.ErrNotExist)) {
			return nil, fmt.Errorf("this does not look like an export of %s: %w", system, err)
		}
	}
	return m, m.readTeams(read, l.teams)
}

// user reads a document of a user as a row of the table.
func (m *mongo) user(l layout, r record, doc map[string]any) Person {
	verified, known := truth(r["verified"])
	p := Person{ID: text(r["id"]), Name: text(r["name"]), Image: text(r["image"])}
	if email := text(r["email"]); email != "" {
		p.Addresses = []Address{{Email: email, Verified: verified && known}}
	}
	readCommon(r, &p, m.settings.Now(), func(name string) string { return name })
	if l.person != nil {
		l.person(r, &p, m.settings.Now())
	}
	for _, path := range m.settings.Metadata {
		p.app(path, plain(lookUp(doc, path)))
	}
	return p
}

// addTo adds to a person who is there.
func (s *spool) addTo(ctx context.Context, p Person) error {
	var there bool
	if err := s.tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM people WHERE id = ?)", p.ID).Scan(&there); err != nil {
		return err
	}
	if !there {
		s.found = append(s.found, Fault{Skipped: true, Reason: "account of a user who is not in the export", ID: p.ID})
		return nil
	}
	return s.add(ctx, p)
}

// collection reads the file of a collection.
func (m *mongo) collection(dir string, names []string, fields []field, each func(r record, doc map[string]any) error) error {
	path, err := fileOf(dir, m.settings.TablePrefix, names)
	if err != nil {
		return err
	}
	l, err := openLines(path)
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }() // it was only read
	return eachObject(bufio.NewReaderSize(l, 1<<16), func(line int, doc map[string]any, broken error) error {
		if broken != nil {
			m.found = append(m.found, Fault{Skipped: true, Reason: "entry of " + filepath.Base(path) + " that is no JSON object", Line: line})
			return nil //nolint:nilerr // the fault is reported
		}
		r := record{}
		for _, f := range fields {
			columns := f.columns
			if f.name == "id" {
				columns = append([]string{"_id"}, columns...)
			}
			for _, want := range columns {
				for have, v := range doc {
					if _, found := r[f.name]; !found && flat(have) == flat(want) && (want == "_id") == (have == "_id") {
						r[f.name] = plain(v)
					}
				}
			}
		}
		return each(r, doc)
	})
}

// fileOf finds the file of a collection: users.json, with a database's name before it
// or a prefix.
func fileOf(dir, prefix string, names []string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		for _, e := range entries {
			base, ext := strings.CutSuffix(e.Name(), ".json")
			if !ext {
				base, ext = strings.CutSuffix(e.Name(), ".jsonl")
			}
			last := base[strings.LastIndexByte(base, '.')+1:]
			if ext && (flat(base) == flat(prefix+name) || flat(last) == flat(prefix+name)) {
				return filepath.Join(dir, e.Name()), nil
			}
		}
	}
	return "", fmt.Errorf("%w: %s.json", os.ErrNotExist, strings.Join(names, ".json or "))
}

// plain takes the types off MongoDB's Extended JSON.
func plain(v any) any {
	m, ok := v.(map[string]any)
	if !ok || len(m) != 1 {
		return v
	}
	for name, inner := range m {
		switch name {
		case "$oid", "$numberLong", "$numberInt", "$numberDouble", "$uuid":
			return text(inner)
		case "$date":
			return plain(inner)
		}
	}
	return v
}

func (m *mongo) readTeams(read func([]string, []field, func(record, map[string]any) error) error, l *teamLayout) error {
	if l == nil {
		return nil
	}
	at := map[string]int{}
	err := read(l.teams, []field{need("id", "id"), maybe("name", "name", "slug"), maybe("created", "createdAt")}, func(r record, _ map[string]any) error {
		at[text(r["id"])] = len(m.teams)
		m.teams = append(m.teams, Team{ID: text(r["id"]), Name: text(r["name"]), CreatedAt: moment(r["created"])})
		return nil
	})
	if err == nil {
		err = read(l.members, []field{need("team", "organizationId"), need("user", "userId"), maybe("role", "role"), maybe("created", "createdAt")}, func(r record, _ map[string]any) error {
			if i, ok := at[text(r["team"])]; ok {
				m.teams[i].Members = append(m.teams[i].Members, Member{UserID: text(r["user"]), Role: text(r["role"]), CreatedAt: moment(r["created"])})
			}
			return nil
		})
	}
	if err == nil {
		fields := []field{need("team", "organizationId"), need("email", "email"), maybe("role", "role"), need("status", "status"), need("expires", "expiresAt"), maybe("inviter", "inviterId")}
		err = read(l.invitations, fields, func(r record, _ map[string]any) error {
			i, ok := at[text(r["team"])]
			until := moment(r["expires"])
			if ok && until != nil && strings.EqualFold(text(r["status"]), "pending") {
				m.teams[i].Invitations = append(m.teams[i].Invitations, Invitation{
					Email: text(r["email"]), Role: text(r["role"]), InviterID: text(r["inviter"]), ExpiresAt: until,
				})
			}
			return nil
		})
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// Teams implements Source.
func (m *mongo) Teams(_ context.Context, limit int) ([]Team, error) {
	n := min(limit, len(m.teams))
	page := m.teams[:n]
	m.teams = m.teams[n:]
	return page, nil
}
