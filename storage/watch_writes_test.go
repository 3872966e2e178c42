package storage_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// seen is a user in a team, and what a check of their session reads.
type seen struct {
	user  identity.User
	made  identity.Identity // what the session was signed in by
	added identity.Identity // and proven by since
	with  session.Session
	team  team.Team
	in    teamsession.Session
	owner identity.User // of the team
	other identity.User // somebody else
}

func (s seen) teams() []identity.ID { return []identity.ID{s.team.ID} }

func (s seen) end(at time.Time) revocation.End { return revocation.End{Reason: "test", At: at} }

func (s seen) merge() linking.Merge {
	return linking.Merge{ID: identity.NewID(), SurvivorID: s.other.ID, SourceID: s.user.ID}
}

func (s seen) membership(at time.Time) team.Membership {
	return team.Membership{TeamID: s.team.ID, UserID: s.user.ID, Role: team.RoleMember, CreatedAt: at}
}

// renamed is the user with another name.
func (s seen) renamed() identity.User {
	u := s.user
	u.DisplayName = "Grace"
	return u
}

// write is a change to what is seen.
type write func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error

// thrownOut leaves a session that a policy ended to somebody who is no member.
func thrownOut(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
	s.in.EndedAt, s.in.EndReason = &at, new(session.EndedByPolicy)
	if err := d.EndTeamSession(ctx, s.in); err != nil {
		return err
	}
	return d.DeleteMembership(ctx, s.team.ID, s.user.ID)
}

// first is what has to come before a write.
var first = map[string]write{
	"SetPrimaryEmailIfNone": func(ctx context.Context, d *storagetest.Database, s seen, _ time.Time) error {
		s.user.PrimaryEmail = nil
		return d.SetUser(ctx, s.user)
	},
	"InsertMembership": thrownOut, "InsertMemberships": thrownOut, "MoveMemberships to": thrownOut,
}

// writes is every write that a check can see.
var writes = map[string]write{
	"UpdateUser": func(ctx context.Context, d *storagetest.Database, s seen, _ time.Time) error {
		return d.UpdateUser(ctx, s.renamed())
	},
	"SetUser": func(ctx context.Context, d *storagetest.Database, s seen, _ time.Time) error {
		return d.SetUser(ctx, s.renamed())
	},
	"SetPrimaryEmail": func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
		return d.SetPrimaryEmail(ctx, s.user.ID, "second@"+s.user.ID.String()+".example", at)
	},
	"SetPrimaryEmailIfNone": func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
		return d.SetPrimaryEmailIfNone(ctx, s.user.ID, "second@"+s.user.ID.String()+".example", at)
	},
	"DeleteEmail": func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
		return d.DeleteEmail(ctx, s.user.ID, *s.user.PrimaryEmail, at)
	},
	"UpdateSession": func(ctx context.Context, d *storagetest.Database, s seen, _ time.Time) error {
		s.with.Methods = append(s.with.Methods, "google")
		return d.UpdateSession(ctx, s.with)
	},
	"EndSessions": func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
		_, err := d.EndSessions(ctx, s.user.ID, session.SessionSelector{}, "test", at)
		return err
	},
	"EndSessionsBy": func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
		_, err := d.EndSessionsBy(ctx, s.made.ID, "test", at)
		return err
	},
	"EndSessionsBy takes a method": func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
		_, err := d.EndSessionsBy(ctx, s.added.ID, "test", at)
		return err
	},
	"EndSessionsByIdentities": func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
		return d.EndSessionsByIdentities(ctx, []identity.ID{s.made.ID}, "test", at)
	},
	"EndMatchingSessions": func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
		_, err := d.EndMatchingSessions(ctx, session.Filter{UserID: &s.user.ID}, s.end(at))
		return err
	},
	"EndTeamSession": func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
		s.in.EndedAt, s.in.EndReason = &at, new("test")
		return d.EndTeamSession(ctx, s.in)
	},
	"SetBreakGlass": func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
		return d.SetBreakGlass(ctx, s.in.ID, at.Add(time.Hour))
	},
	"EndTeamSessions": func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
		return d.EndTeamSessions(ctx, s.team.ID, &s.user.ID, s.other.ID, "test", at)
	},
	"EndTeamSessionsIn": func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
		return d.EndTeamSessionsIn(ctx, s.teams(), s.user.ID, "test", at)
	},
	"EndMatchingTeamSessions": func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
		_, err := d.EndMatchingTeamSessions(ctx, s.team.ID, session.Filter{}, s.end(at))
		return err
	},
	"SetTeamPolicy": func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
		return d.SetTeamPolicy(ctx, s.team.ID, team.Policy{Exclusive: true}, s.other.ID, at)
	},
	"UpdateRole": func(ctx context.Context, d *storagetest.Database, s seen, _ time.Time) error {
		return d.UpdateRole(ctx, team.Membership{TeamID: s.team.ID, UserID: s.user.ID, Role: team.RoleAdmin})
	},
	"SetRole": func(ctx context.Context, d *storagetest.Database, s seen, _ time.Time) error {
		return d.SetRole(ctx, s.teams(), s.user.ID, team.RoleAdmin)
	},
	"InsertMembership": func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
		_, err := d.InsertMembership(ctx, s.membership(at))
		return err
	},
	"InsertMemberships": func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
		return d.InsertMemberships(ctx, []team.Membership{s.membership(at)})
	},
	"MoveMemberships to": func(ctx context.Context, d *storagetest.Database, s seen, _ time.Time) error {
		return d.MoveMemberships(ctx, s.teams(), s.owner.ID, s.user.ID)
	},
	"DeleteMembership": func(ctx context.Context, d *storagetest.Database, s seen, _ time.Time) error {
		return d.DeleteMembership(ctx, s.team.ID, s.user.ID)
	},
	"DeleteMemberships": func(ctx context.Context, d *storagetest.Database, s seen, _ time.Time) error {
		return d.DeleteMemberships(ctx, s.teams(), s.user.ID)
	},
	"MoveMemberships": func(ctx context.Context, d *storagetest.Database, s seen, _ time.Time) error {
		return d.MoveMemberships(ctx, s.teams(), s.user.ID, s.other.ID)
	},
	"MoveItems": func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
		return d.MoveItems(ctx, s.merge(), at)
	},
	"EndAllSessions": func(ctx context.Context, d *storagetest.Database, s seen, _ time.Time) error {
		_, err := d.EndAllSessions(ctx, &s.user.ID, session.Filter{})
		return err
	},
	"EndBatch": func(ctx context.Context, d *storagetest.Database, s seen, at time.Time) error {
		j := revocation.Job{ID: identity.NewID(), Kind: revocation.JobEndSessions, Reason: "test", CreatedAt: at, Total: new(1)}
		if err := d.InsertJob(ctx, j); err != nil {
			return err
		}
		if _, err := d.NoteItems(ctx, j, session.Filter{UserID: &s.user.ID}, at); err != nil {
			return err
		}
		_, _, _, err := d.EndBatch(ctx, j, s.end(at))
		return err
	},
}

// everyone is every ending of more sessions than can be named.
var everyone = map[string]write{
	"EndAllSessions": func(ctx context.Context, d *storagetest.Database, _ seen, _ time.Time) error {
		_, err := d.EndAllSessions(ctx, nil, session.Filter{})
		return err
	},
	"EndAllTeamSessions": func(ctx context.Context, d *storagetest.Database, s seen, _ time.Time) error {
		_, _, err := d.EndAllTeamSessions(ctx, s.team.ID, false, session.Filter{})
		return err
	},
}

func TestEndingEverythingForgetsEverything(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		watched := *d
		var l *listener
		watched.DB, l = watch(t, d.URL)
		d = &watched
		for name, write := range everyone {
			s := newSeen(t, d)
			before := l.forgotAll()
			d.Do(t, func(ctx context.Context) error { return write(ctx, d, s, d.Clock.Now()) })
			if l.forgotAll() == before {
				t.Errorf("%s: not notified", name)
			}
		}
	})
}

// endings are the writes that end sessions or team sessions.
var endings = []string{
	"EndSessions", "EndSessionsBy", "EndSessionsByIdentities", "EndMatchingSessions",
	"EndTeamSession", "EndTeamSessions", "EndTeamSessionsIn", "EndMatchingTeamSessions", "MoveItems", "EndBatch",
}

// A client that watches a team is woken by the team, or as a plain member by the user
// alone, so an ending names both.
func TestEveryEndingNamesTheUserAndTheTeam(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		d.Unsound() // the writes are parts of changes
		watched := *d
		var l *listener
		watched.DB, l = watch(t, d.URL)
		d = &watched
		for _, name := range endings {
			s := newSeen(t, d)
			l.forgotten()
			d.Do(t, func(ctx context.Context) error { return writes[name](ctx, d, s, d.Clock.Now()) })
			got := l.forgotten()
			if !slices.Contains(got, s.user.ID) || !slices.Contains(got, team.Topic(s.team.ID)) {
				t.Errorf("%s: notified of %v, not of user %s and topic %s", name, got, s.user.ID, team.Topic(s.team.ID))
			}
			if slices.Contains(got, s.other.ID) {
				t.Errorf("%s: another user is notified", name)
			}
		}
	})
}

// A cache of what a check read hears of every write that makes it wrong,
// even if it is the only one of its transaction.
func TestEveryWriteThatACheckSeesIsTold(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		d.Unsound() // the writes are parts of changes
		watched := *d
		var l *listener
		watched.DB, l = watch(t, d.URL)
		d = &watched
		for name, write := range writes {
			s := newSeen(t, d)
			if prepare := first[name]; prepare != nil {
				d.Do(t, func(ctx context.Context) error { return prepare(ctx, d, s, d.Clock.Now()) })
			}
			before, err := d.PrincipalByToken(t.Context(), s.with.TokenHash)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			l.forgotten()
			d.Do(t, func(ctx context.Context) error { return write(ctx, d, s, d.Clock.Now()) })
			got := l.forgotten()
			after, err := d.PrincipalByToken(t.Context(), s.with.TokenHash)
			if err != nil && !errors.Is(err, identity.ErrNotFound) {
				t.Fatalf("%s: %v", name, err)
			}
			if reflect.DeepEqual(before, after) {
				t.Errorf("%s: a check sees nothing of it", name)
			}
			if !slices.ContainsFunc([]identity.ID{s.user.ID, s.with.ID, s.made.ID, s.team.ID, s.in.ID}, func(id identity.ID) bool {
				return slices.Contains(got, id)
			}) {
				t.Errorf("%s: notified of none of what the check read, but of %v", name, got)
			}
		}
	})
}

func newSeen(t *testing.T, d *storagetest.Database) seen {
	t.Helper()
	s := seen{user: d.User(t), owner: d.User(t), other: d.User(t)}
	s.made = d.Identity(t, s.user.ID, "google", storagetest.Word())
	s.added = d.Identity(t, s.user.ID, "gitlab", storagetest.Word())
	for _, local := range []string{"first", "second"} {
		address := local + "@" + s.user.ID.String() + ".example"
		d.Email(t, s.user.ID, address)
		if local == "first" {
			s.user.PrimaryEmail = &address
			d.Do(t, func(ctx context.Context) error {
				return d.SetPrimaryEmail(ctx, s.user.ID, address, d.Clock.Now())
			})
		}
	}
	s.team = d.Team(t, s.owner.ID)
	d.Member(t, s.team.ID, s.user.ID, team.RoleMember)
	s.with = d.Session(t, s.user.ID, func(with *session.Session) {
		with.IdentityID, with.ProvenBy = &s.made.ID, session.ProvenBy{s.added.ID}
		with.Methods = with.Methods.With("gitlab")
	})
	s.in = d.TeamSession(t, s.team.ID, s.with)
	s.with.TeamSessionID = &s.in.ID
	d.Do(t, func(ctx context.Context) error { return d.UpdateSession(ctx, s.with) })
	return s
}

// forgotten returns what was received since the last call.
func (l *listener) forgotten() []identity.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	ids := l.ids
	l.ids = nil
	return ids
}
