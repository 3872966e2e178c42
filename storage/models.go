package storage

import (
	"reflect"
	"strings"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/linking"
)

// Rows name the table of a domain type; its fields are the columns.

type userRow struct {
	bun.BaseModel `bun:"table:users,alias:u"`
	identity.User
}

type emailRow struct {
	bun.BaseModel `bun:"table:emails,alias:e"`
	identity.Email
}

type identityRow struct {
	bun.BaseModel `bun:"table:identities,alias:i"`
	identity.Identity
}

type sessionRow struct {
	bun.BaseModel `bun:"table:sessions,alias:s"`
	session.Session
	clientColumns
}

type teamSessionRow struct {
	bun.BaseModel `bun:"table:team_sessions,alias:t"`
	teamsession.Session
}

type teamRow struct {
	bun.BaseModel `bun:"table:teams,alias:tm"`
	team.Team
}

type membershipRow struct {
	bun.BaseModel `bun:"table:memberships,alias:m"`
	team.Membership
}

type invitationRow struct {
	bun.BaseModel `bun:"table:invitations,alias:n"`
	team.Invitation
}

type burnedRow struct {
	bun.BaseModel `bun:"table:burned_secrets,alias:b"`
	identity.SingleUse
}

type ticketRow struct {
	bun.BaseModel `bun:"table:tickets,alias:k"`
	linking.Ticket
}

type eventRow struct {
	bun.BaseModel `bun:"table:audit_events,alias:a"`
	identity.Event
	Form int // see sealedForm
}

// columns are those of a row's table that this binary knows, by its alias. A
// query that joins asks for them instead of for alias.*: a newer replica may
// have added columns to the table that this one cannot read.
func (db *DB) columns(row any) bun.Safe {
	table := db.read.Table(reflect.TypeOf(row).Elem())
	names := make([]string, len(table.Fields))
	for i, f := range table.Fields {
		names[i] = string(table.SQLAlias) + "." + string(f.SQLName)
	}
	return bun.Safe(strings.Join(names, ", "))
}

// pointers returns what is to be changed in each of rows.
func pointers[Row, In any](rows []Row, in func(*Row) *In) []*In {
	out := make([]*In, len(rows))
	for i := range rows {
		out[i] = in(&rows[i])
	}
	return out
}

// rowsOf copies domain values into rows, or back.
func rowsOf[From, To any](from []From, convert func(From) To) []To {
	out := make([]To, len(from))
	for i, f := range from {
		out[i] = convert(f)
	}
	return out
}
