package importer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// layout is how a system stores users and their accounts.
type layout struct {
	schema       string // "" for the one of the URL
	postgresOnly bool
	users        []string
	fields       []field
	person       func(u record, p *Person, now time.Time)
	children     []children
	teams        *teamLayout
	// unread are tables that people sign in by and that cannot be taken over.
	unread []string
}

// children is a table that belongs to the users.
type children struct {
	names    []string
	optional bool
	fields   []field
	add      func(r record, p *Person)
}

// pages reads a system's users in order of their ids, with what belongs to them.
type pages struct {
	*database
	layout   layout
	settings Settings
	now      func() time.Time
	users    table
	children []child
	after    any // the last id, as the database gave it
	orgs     orgTables
}

type child struct {
	table
	add func(r record, p *Person)
}

// find finds the tables, so that a wrong --from ends before anything is read.
func (s *pages) find(ctx context.Context) error {
	s.database.schema, s.database.prefix = s.settings.Schema, s.settings.TablePrefix
	if err := s.guessPrefix(s.layout); err != nil {
		return err
	}
	fields := append(append([]field{}, s.layout.fields...), commonFields...)
	for _, column := range s.settings.Metadata {
		fields = append(fields, need("app "+column, column))
	}
	var err error
	if s.users, err = s.database.find(ctx, s.layout.schema, s.layout.users, fields...); err != nil {
		return err
	}
	for _, c := range s.layout.children {
		t, err := s.database.find(ctx, s.layout.schema, c.names, c.fields...)
		if c.optional && errors.Is(err, errNoTable) {
			continue
		}
		if err != nil {
			return err
		}
		s.children = append(s.children, child{table: t, add: c.add})
		if err := s.findOrphans(ctx, c.names[0], t); err != nil {
			return err
		}
	}
	for _, name := range s.layout.unread {
		t, err := s.database.find(ctx, s.layout.schema, []string{name})
		if err != nil {
			continue // there is none
		}
		n, err := s.count(ctx, t)
		if err != nil {
			return err
		}
		if n > 0 {
			s.found = append(s.found, Fault{Reason: fmt.Sprintf("table %s is not taken over: %d rows", name, n)})
		}
	}
	return s.findTeams(ctx)
}

// findOrphans names the users that a table has rows of and that are not there.
func (s *pages) findOrphans(ctx context.Context, name string, t table) error {
	user := s.text("a." + t.columns["user"])
	rows, err := s.query(ctx, fmt.Sprintf("SELECT %s, count(*) FROM %s AS a LEFT JOIN %s AS u ON %s = %s WHERE u.%s IS NULL GROUP BY 1 ORDER BY 1 LIMIT %d",
		user, t.name, s.users.name, s.text("u."+s.users.columns["id"]), user, s.users.columns["id"], maxClaims), 2)
	for _, r := range rows {
		s.found = append(s.found, Fault{Skipped: true, Reason: "rows of table " + name + " whose user is not in the source", ID: text(r[0])})
	}
	return err
}

func (s *pages) count(ctx context.Context, t table) (int64, error) {
	rows, err := s.query(ctx, "SELECT count(*) FROM "+t.name, 1)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text(rows[0][0]), 10, 64)
}

// Total implements Source.
func (s *pages) Total(ctx context.Context) (int64, error) { return s.count(ctx, s.users) }

// Next implements Source.
func (s *pages) Next(ctx context.Context, limit int) ([]Person, error) {
	id := s.users.columns["id"]
	where, args := "", []any(nil)
	if s.after != nil {
		where, args = " WHERE "+id+" > "+s.param(1), []any{s.after}
	}
	rows, err := s.read(ctx, s.users, where+" ORDER BY "+id+" LIMIT "+strconv.Itoa(limit), args...)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	people, at := make([]Person, 0, len(rows)), map[string]int{}
	var ids []any
	for _, r := range rows {
		p := s.person(r)
		if _, twice := at[p.ID]; twice || p.ID == "" {
			s.found = append(s.found, Fault{Skipped: true, Reason: "row whose id is empty or another row's", ID: p.ID})
			continue
		}
		at[p.ID] = len(people)
		people = append(people, p)
		ids = append(ids, r["id"])
	}
	last := s.key(s.users, "id", rows[len(rows)-1]["id"])
	if s.after == last {
		return nil, fmt.Errorf("--source: table %s cannot be read in the order of its ids: are they binary?", s.users.name)
	}
	s.after = last
	for _, c := range s.children {
		if err := s.attach(ctx, c, people, at, ids); err != nil {
			return nil, err
		}
	}
	return people, nil
}

// key is the value of a column as an argument to compare the column with. MySQL would
// compare a number with text as floating point.
func (s *pages) key(t table, name string, v any) any {
	if s.engine == mySQL && strings.Contains(t.types[name], "INT") {
		if n, err := strconv.ParseInt(text(v), 10, 64); err == nil {
			return n
		}
	}
	return v
}

func (s *pages) person(r record) Person {
	verified, known := truth(r["verified"])
	p := Person{ID: text(r["id"]), Name: text(r["name"]), Image: text(r["image"])}
	if !known {
		p.Faults = append(p.Faults, Fault{Reason: "mark of a verified address that cannot be read: not taken for verified", Column: s.column("verified"), Value: text(r["verified"])})
	}
	if email := text(r["email"]); email != "" {
		p.Addresses = []Address{{Email: email, Verified: verified && known}}
	}
	readCommon(r, &p, s.now(), s.column)
	if s.layout.person != nil {
		s.layout.person(r, &p, s.now())
	}
	for _, column := range s.settings.Metadata {
		p.app(column, metadataOf(r["app "+column], s.users.types["app "+column]))
	}
	return p
}

func (s *pages) column(name string) string { return strings.Trim(s.users.columns[name], `"`) }

func (s *pages) attach(ctx context.Context, c child, people []Person, at map[string]int, ids []any) error {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = s.key(c.table, "user", id)
	}
	if len(args) == 0 {
		return nil
	}
	rows, err := s.read(ctx, c.table, " WHERE "+s.inList(c.columns["user"], len(args)), args...)
	for _, r := range rows {
		if i, ok := at[text(r["user"])]; ok {
			c.add(r, &people[i])
		}
	}
	return err
}

// maxClaims bounds what is kept of accounts that several people have.
const maxClaims = 100_000

// Shared implements Source.
func (s *pages) Shared(ctx context.Context) ([]Claim, error) {
	var out []Claim
	for _, c := range s.children {
		if !c.has("provider") || !c.has("subject") {
			continue
		}
		provider, subject, user := c.columns["provider"], c.columns["subject"], c.columns["user"]
		created := "NULL"
		if s.users.has("created") {
			created = s.text("u." + s.users.columns["created"])
		}
		rows, err := s.query(ctx, fmt.Sprintf(`SELECT %s, %s, %s, %s FROM %s AS a
			JOIN (SELECT %s AS p, %s AS s FROM %s GROUP BY %s, %s HAVING count(DISTINCT %s) > 1) AS d ON d.p = a.%s AND d.s = a.%s
			JOIN %s AS u ON %s = %s ORDER BY 1, 2, 3 LIMIT %d`,
			s.text("a."+provider), s.text("a."+subject), s.text("a."+user), created, c.name,
			provider, subject, c.name, provider, subject, user, provider, subject,
			s.users.name, s.text("u."+s.users.columns["id"]), s.text("a."+user), maxClaims), 4)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			out = append(out, Claim{
				Account: Account{Provider: text(r[0]), Subject: text(r[1])}, PersonID: text(r[2]), CreatedAt: moment(r[3]),
			})
		}
	}
	return out, nil
}
