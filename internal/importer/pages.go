package importer

import (
	"context"
	"errors"
	"strings"
)

// pages reads a system's users in order of their ids, with what belongs to them.
type pages struct {
	*database
	layout   layout
	users    table
	children []child
	after    string
	started  bool
}

type child struct {
	table
	account func(r record) Account
}

// find finds the tables, so that a wrong --from ends before anything is read.
func (s *pages) find(ctx context.Context) error {
	var err error
	if s.users, err = s.database.find(ctx, s.layout.schema, s.layout.users, s.layout.fields...); err != nil {
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
		s.children = append(s.children, child{table: t, account: c.account})
	}
	return nil
}

// Next implements Source.
func (s *pages) Next(ctx context.Context, limit int) ([]Person, error) {
	id := s.users.columns["id"]
	where, args := "", []any(nil)
	if s.started {
		where, args = " WHERE "+id+" > "+s.param(1), []any{s.after}
	}
	rows, err := s.read(ctx, s.users, where+" ORDER BY "+id+" LIMIT "+text(limit), args...)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	people, at := make([]Person, len(rows)), map[string]int{}
	for i, r := range rows {
		p := Person{
			ID: text(r["id"]), Name: text(r["name"]), Image: text(r["image"]), Email: text(r["email"]),
			Verified: truth(r["verified"]), CreatedAt: moment(r["created"]),
		}
		if s.layout.person != nil {
			s.layout.person(r, &p)
		}
		people[i], at[p.ID] = p, i
	}
	s.started, s.after = true, people[len(people)-1].ID
	for _, c := range s.children {
		if err := s.attach(ctx, c, people, at); err != nil {
			return nil, err
		}
	}
	return people, nil
}

func (s *pages) attach(ctx context.Context, c child, people []Person, at map[string]int) error {
	marks, args := make([]string, len(people)), make([]any, len(people))
	for i, p := range people {
		marks[i], args[i] = s.param(i+1), p.ID
	}
	rows, err := s.read(ctx, c.table, " WHERE "+c.columns["user"]+" IN ("+strings.Join(marks, ", ")+")", args...)
	for _, r := range rows {
		if i, ok := at[text(r["user"])]; ok {
			people[i].Accounts = append(people[i].Accounts, c.account(r))
		}
	}
	return err
}
