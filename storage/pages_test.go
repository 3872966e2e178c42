package storage_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// list is one paged list: how to put a row into it, how to take one out (nil if
// nothing ever leaves it), and how to read a page.
type list struct {
	newestFirst bool
	add         func(t *testing.T) identity.ID
	remove      func(t *testing.T, id identity.ID)
	page        func(ctx context.Context, p identity.Page) ([]identity.ID, error)
}

func testPages(t *testing.T, d *storagetest.Database) {
	for name, makeList := range lists {
		t.Run(name, func(t *testing.T) {
			l := makeList(t, d)
			var rows []identity.ID
			for range 7 {
				rows = append(rows, l.add(t))
			}
			if l.newestFirst {
				slices.Reverse(rows)
			}
			storagetest.Same(t, walk(t, l, 3, nil), rows)
			storagetest.Same(t, walk(t, l, 1, nil), rows)
			storagetest.Same(t, walk(t, l, 7, nil), rows)

			// What comes and goes between two pages moves nothing else: no row
			// twice, none lost. The row that the cursor names may be the one to go.
			gone := rows[2]
			want := slices.Clone(rows)
			got := walk(t, l, 3, func(read int) {
				if read != 3 {
					return
				}
				added := l.add(t)
				if !l.newestFirst {
					want = append(want, added)
				}
				if l.remove != nil {
					l.remove(t, gone)
				}
			})
			storagetest.Same(t, got, want)
		})
	}
}

// walk reads a list page by page; after each page it calls between with the
// number of rows read so far.
func walk(t *testing.T, l list, limit int, between func(read int)) []identity.ID {
	t.Helper()
	var out []identity.ID
	p := identity.Page{Limit: limit}
	for {
		ids := must[[]identity.ID](t)(l.page(t.Context(), p))
		if len(ids) > limit+1 {
			t.Fatalf("%d rows for a limit of %d", len(ids), limit)
		}
		ids, next := identity.Next(ids, p, func(id identity.ID) identity.ID { return id })
		out = append(out, ids...)
		if next == nil {
			return out
		}
		if between != nil {
			between(len(out))
		}
		p.After = next
	}
}

func ids[T any](rows []T, err error, id func(T) identity.ID) ([]identity.ID, error) {
	return idsOf(rows, id), err
}

var lists = map[string]func(t *testing.T, d *storagetest.Database) list{
	"audit events": func(_ *testing.T, d *storagetest.Database) list {
		team := identity.NewID()
		return list{
			newestFirst: true,
			add: func(t *testing.T) identity.ID {
				e := d.Event(&team)
				d.Record(t, e)
				return e.ID
			},
			page: func(ctx context.Context, p identity.Page) ([]identity.ID, error) {
				rows, err := d.Events(ctx, audit.Filter{TeamID: &team}, p)
				return ids(rows, err, func(r audit.Record) identity.ID { return r.ID })
			},
		}
	},
	"users": func(t *testing.T, d *storagetest.Database) list {
		after := d.User(t).ID // of this test are only those that come now
		return list{
			newestFirst: true,
			add:         func(t *testing.T) identity.ID { return d.User(t).ID },
			page: func(ctx context.Context, p identity.Page) ([]identity.ID, error) {
				rows, err := d.Users(ctx, identity.UserFilter{}, p)
				rows = slices.DeleteFunc(rows, func(u identity.User) bool { return u.ID.String() <= after.String() })
				return ids(rows, err, func(u identity.User) identity.ID { return u.ID })
			},
		}
	},
	"identities": func(t *testing.T, d *storagetest.Database) list {
		u := d.User(t, merged(d.User(t).ID)).ID
		d.Unsound() // a tombstone, for a user without the identity that User gives
		return list{
			add:    func(t *testing.T) identity.ID { return d.Identity(t, u, "google", storagetest.Word()).ID },
			remove: func(t *testing.T, id identity.ID) { remove(t, d, "identities", id) },
			page: func(ctx context.Context, p identity.Page) ([]identity.ID, error) {
				rows, err := d.Identities(ctx, u, p)
				return ids(rows, err, func(i identity.Identity) identity.ID { return i.ID })
			},
		}
	},
	"active sessions": func(t *testing.T, d *storagetest.Database) list {
		u := d.User(t).ID
		return list{
			newestFirst: true,
			add:         func(t *testing.T) identity.ID { return d.Session(t, u).ID },
			remove:      func(t *testing.T, id identity.ID) { end(t, d, u, session.SessionSelector{Only: &id}, d.Clock.Now()) },
			page: func(ctx context.Context, p identity.Page) ([]identity.ID, error) {
				rows, err := d.ActiveSessions(ctx, u, d.Clock.Now(), p)
				return ids(rows, err, func(s session.Session) identity.ID { return s.ID })
			},
		}
	},
	"all sessions": func(t *testing.T, d *storagetest.Database) list {
		u := d.User(t).ID
		return list{
			newestFirst: true,
			add:         func(t *testing.T) identity.ID { return d.Session(t, u).ID },
			remove:      func(t *testing.T, id identity.ID) { remove(t, d, "sessions", id) },
			page: func(ctx context.Context, p identity.Page) ([]identity.ID, error) {
				rows, err := d.DB.Sessions(ctx, session.Filter{UserID: &u}, d.Clock.Now(), p)
				return ids(rows, err, func(s session.Listed) identity.ID { return s.ID })
			},
		}
	},
	"team sessions": func(t *testing.T, d *storagetest.Database) list {
		u := d.User(t).ID
		tm := d.Team(t, u).ID
		return list{
			newestFirst: true,
			add:         func(t *testing.T) identity.ID { return d.TeamSession(t, tm, d.Session(t, u)).ID },
			remove:      func(t *testing.T, id identity.ID) { remove(t, d, "team_sessions", id) },
			page: func(ctx context.Context, p identity.Page) ([]identity.ID, error) {
				rows, err := d.DB.TeamSessions(ctx, tm, session.Filter{}, d.Clock.Now(), p)
				return ids(rows, err, func(s teamsession.Listed) identity.ID { return s.ID })
			},
		}
	},
	"teams": func(t *testing.T, d *storagetest.Database) list {
		u := d.User(t).ID
		return list{
			add:    func(t *testing.T) identity.ID { return d.Team(t, u).ID },
			remove: func(t *testing.T, id identity.ID) { deleteTeam(t, d, id) },
			page: func(ctx context.Context, p identity.Page) ([]identity.ID, error) {
				rows, err := d.TeamsOf(ctx, u, p)
				return ids(rows, err, func(m team.TeamWithRole) identity.ID { return m.ID })
			},
		}
	},
	"places": func(t *testing.T, d *storagetest.Database) list {
		u := d.User(t).ID
		return list{
			add:    func(t *testing.T) identity.ID { return d.Team(t, u).ID },
			remove: func(t *testing.T, id identity.ID) { deleteTeam(t, d, id) },
			page: func(ctx context.Context, p identity.Page) ([]identity.ID, error) {
				rows, err := d.MembershipsWithTeam(ctx, u, p)
				return ids(rows, err, func(m team.MembershipWithTeam) identity.ID { return m.TeamID })
			},
		}
	},
	"members": func(t *testing.T, d *storagetest.Database) list {
		tm := d.Team(t, d.User(t).ID)
		return list{
			add: func(t *testing.T) identity.ID { return d.Member(t, tm.ID, d.User(t).ID, team.RoleMember).UserID },
			remove: func(t *testing.T, id identity.ID) {
				d.Do(t, func(ctx context.Context) error { return d.DeleteMembership(ctx, tm.ID, id) })
			},
			page: func(ctx context.Context, p identity.Page) ([]identity.ID, error) {
				if p.After == nil {
					owner := must[[]team.Member](t)(d.Members(ctx, tm.ID, identity.Page{Limit: 1}))[0]
					p.After = &owner.UserID // the first is the owner, whom this test did not add
				}
				rows, err := d.Members(ctx, tm.ID, p)
				return ids(rows, err, func(m team.Member) identity.ID { return m.UserID })
			},
		}
	},
	"invitations": func(t *testing.T, d *storagetest.Database) list {
		u := d.User(t).ID
		tm := d.Team(t, u).ID
		return list{
			newestFirst: true,
			add:         func(t *testing.T) identity.ID { return d.Invite(t, tm, u).ID },
			remove:      func(t *testing.T, id identity.ID) { remove(t, d, "invitations", id) },
			page: func(ctx context.Context, p identity.Page) ([]identity.ID, error) {
				rows, err := d.OpenInvitations(ctx, tm, d.Clock.Now(), p)
				return ids(rows, err, func(i team.Invitation) identity.ID { return i.ID })
			},
		}
	},
	"received invitations": func(t *testing.T, d *storagetest.Database) list {
		u := d.User(t).ID
		address := d.Email(t, u, storagetest.Word()+"@example.com").Address
		return list{
			newestFirst: true,
			add: func(t *testing.T) identity.ID {
				i := d.Invite(t, d.Team(t, u).ID, u, func(i *team.Invitation) { i.Email = &address })
				return i.ID
			},
			remove: func(t *testing.T, id identity.ID) { remove(t, d, "invitations", id) },
			page: func(ctx context.Context, p identity.Page) ([]identity.ID, error) {
				rows, err := d.InvitationsFor(ctx, u, d.Clock.Now().Add(time.Minute), p)
				return ids(rows, err, func(i team.Received) identity.ID { return i.ID })
			},
		}
	},
}

func deleteTeam(t *testing.T, d *storagetest.Database, id identity.ID) {
	t.Helper()
	d.Do(t, func(ctx context.Context) error {
		return d.UpdateTeam(ctx, team.Team{ID: id, Name: "gone", DeletedAt: new(d.Clock.Now())})
	})
}

func remove(t *testing.T, d *storagetest.Database, table string, id identity.ID) {
	t.Helper()
	if err := d.Exec("DELETE FROM "+table+" WHERE id = ?", id.String()); err != nil {
		t.Fatal(err)
	}
}
