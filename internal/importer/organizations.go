package importer

import (
	"context"
	"errors"
	"strconv"
	"strings"
)

// teamLayout names the tables of organizations.
type teamLayout struct{ teams, members, invitations []string }

// orgTables are the tables as they were found.
type orgTables struct {
	teams, members, invitations table
	have, invites               bool
	after                       any
}

func (s *pages) findTeams(ctx context.Context) error {
	l := s.layout.teams
	if l == nil {
		return nil
	}
	var err error
	s.orgs.teams, err = s.database.find(ctx, "", l.teams, need("id", "id"), maybe("name", "name", "slug"), maybe("created", "createdAt"))
	if errors.Is(err, errNoTable) {
		return nil
	}
	if err != nil {
		return err
	}
	s.orgs.members, err = s.database.find(ctx, "", l.members, need("team", "organizationId"), need("user", "userId"), maybe("role", "role"), maybe("created", "createdAt"))
	if err != nil {
		return err
	}
	s.orgs.have = true
	s.orgs.invitations, err = s.database.find(ctx, "", l.invitations, need("team", "organizationId"), need("email", "email"), maybe("role", "role"),
		need("status", "status"), need("expires", "expiresAt"), maybe("inviter", "inviterId"))
	if errors.Is(err, errNoTable) {
		return nil
	}
	s.orgs.invites = err == nil
	return err
}

// Teams implements Source.
func (s *pages) Teams(ctx context.Context, limit int) ([]Team, error) {
	o := &s.orgs
	if !o.have {
		return nil, nil
	}
	id := o.teams.columns["id"]
	where, args := "", []any(nil)
	if o.after != nil {
		where, args = " WHERE "+id+" > "+s.param(1), []any{o.after}
	}
	rows, err := s.read(ctx, o.teams, where+" ORDER BY "+id+" LIMIT "+strconv.Itoa(limit), args...)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	out, at, ids := make([]Team, len(rows)), map[string]int{}, make([]any, len(rows))
	for i, r := range rows {
		out[i] = Team{ID: text(r["id"]), Name: text(r["name"]), CreatedAt: moment(r["created"])}
		at[out[i].ID], ids[i] = i, r["id"]
	}
	o.after = s.key(o.teams, "id", rows[len(rows)-1]["id"])
	err = s.ofTeams(ctx, o.members, ids, at, func(i int, r record) {
		out[i].Members = append(out[i].Members, Member{UserID: text(r["user"]), Role: text(r["role"]), CreatedAt: moment(r["created"])})
	})
	if err != nil || !o.invites {
		return out, err
	}
	return out, s.ofTeams(ctx, o.invitations, ids, at, func(i int, r record) {
		// One without an end, or with an end that cannot be read, is not open.
		if until := moment(r["expires"]); strings.EqualFold(text(r["status"]), "pending") && until != nil {
			out[i].Invitations = append(out[i].Invitations, Invitation{
				Email: text(r["email"]), Role: text(r["role"]), InviterID: text(r["inviter"]), ExpiresAt: until,
			})
		}
	})
}

func (s *pages) ofTeams(ctx context.Context, t table, ids []any, at map[string]int, each func(i int, r record)) error {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = s.key(t, "team", id)
	}
	rows, err := s.read(ctx, t, " WHERE "+s.inList(t.columns["team"], len(args)), args...)
	for _, r := range rows {
		if i, ok := at[text(r["team"])]; ok {
			each(i, r)
		}
	}
	return err
}
