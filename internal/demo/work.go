package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/linking"
)

// inTeam are the members of the large team: everyone but the operator and those who
// came with the import.
func (s *seed) inTeam() []person {
	out := append([]person{}, s.people[:3]...)
	return append(out, s.people[4:members+1]...)
}

func (s *seed) addTeams(ctx context.Context, store Store) error {
	var events []identity.Event
	all, start := s.inTeam(), s.now.Add(-200*day).Truncate(time.Second)
	s.large = team.Team{ID: s.id(start), Name: largeName, CreatedAt: start, UpdatedAt: start}
	s.small = team.Team{ID: s.id(start.Add(day)), Name: "Open Tide", CreatedAt: start.Add(day), UpdatedAt: start.Add(day)}
	for _, t := range []struct {
		team team.Team
		in   []person
	}{{s.large, all}, {s.small, all[:visitors]}} {
		if err := store.InsertTeam(ctx, t.team); err != nil {
			return err
		}
		rows := make([]team.Membership, len(t.in))
		for i, p := range t.in {
			at := t.team.CreatedAt.Add(time.Duration(i) * day)
			rows[i] = team.Membership{TeamID: t.team.ID, UserID: p.user.ID, Role: roleOf(i), CreatedAt: at}
			e := s.event(p, identity.ActionMemberAdded, at, identity.Metadata{"role": roleOf(i)})
			if i == 0 {
				e.Action, e.Data = identity.ActionTeamCreated, identity.Metadata{"name": t.team.Name}
			}
			e.TeamID = &t.team.ID
			events = append(events, e)
		}
		if err := store.InsertMemberships(ctx, rows); err != nil {
			return err
		}
	}
	// What some sessions do not satisfy any more.
	if err := store.SetTeamPolicy(ctx, s.large.ID, team.Policy{MaxAge: 24 * day}, all[0].user.ID, s.now.Add(-day)); err != nil {
		return err
	}
	for n := range invited {
		at, email := s.now.Add(-time.Duration(n)*day), fmt.Sprintf("newcomer.%d@harborlabs.example", n+1)
		invitation := team.Invitation{ID: s.id(at), TeamID: s.large.ID, Email: &email, Role: team.RoleMember, InvitedBy: all[n%2].user.ID, CreatedAt: at, ExpiresAt: at.Add(14 * day)}
		if ok, err := store.InsertInvitation(ctx, invitation); err != nil || !ok {
			return errors.Join(err, errUnlessOK(ok))
		}
	}
	return store.RecordEvents(ctx, events...)
}

func errUnlessOK(ok bool) error {
	if ok {
		return nil
	}
	return errors.New("the invitation exists")
}

// roleOf is the role of a member by their place in the list.
func roleOf(i int) team.Role {
	switch {
	case i == 0 || i == 7:
		return team.RoleOwner
	case i == 1 || i%25 == 3:
		return team.RoleAdmin
	}
	return team.RoleMember
}

// addSessions makes the sessions of the large team: most people have two or three.
func (s *seed) addSessions(ctx context.Context, store Store) error {
	var events []identity.Event
	all := s.inTeam()
	for n := range sessions {
		p := all[n%len(all)]
		if n >= 2*len(all) { // some have more
			p = all[s.random.IntN(len(all)/2)]
		}
		via := p.identities[s.random.IntN(len(p.identities))]
		created := s.before((days - 2) * day)
		one := session.Session{
			ID: s.id(created), Kind: session.KindBrowser, UserID: p.user.ID, IdentityID: &via.ID, TokenHash: s.hash(), Methods: session.Methods{via.Provider},
			IP: s.address(), UserAgent: pick(s, devices), CreatedAt: created, AuthenticatedAt: created, LastSeenAt: s.since(created),
			ExpiresAt: created.Add(days * day),
		}
		one.IdleExpiresAt = one.ExpiresAt
		entered := teamsession.Session{ID: s.id(created.Add(time.Second)), TeamID: s.large.ID, SessionID: one.ID, UserID: p.user.ID, CreatedAt: created.Add(time.Second)}
		one.TeamSessionID = &entered.ID
		if err := store.InsertSession(ctx, one); err != nil {
			return err
		}
		if err := store.InsertTeamSession(ctx, entered); err != nil {
			return err
		}
		e := s.event(p, identity.ActionTeamSessionCreated, entered.CreatedAt, nil)
		e.TeamID, e.SessionID, e.IP, e.UserAgent = &s.large.ID, &one.ID, one.IP, one.UserAgent
		events = append(events, e)
	}
	return store.RecordEvents(ctx, events...)
}

// since is when something that began was last used.
func (s *seed) since(began time.Time) time.Time {
	x := s.random.Float64()
	return s.now.Add(-time.Duration(x * x * x * float64(s.now.Sub(began)))).Truncate(time.Minute)
}

// hash is that of a token that does not exist.
func (s *seed) hash() []byte {
	out := make([]byte, 32)
	for i := range out {
		out[i] = byte(s.random.Uint32() & 0xff)
	}
	return out
}

// duplicates are five pairs of users who may be one person.
func (s *seed) duplicates() []linking.Duplicate {
	pair := func(a, b int, kind linking.DuplicateKind, reason string, ago time.Duration) linking.Duplicate {
		d := linking.NewDuplicate(s.people[a].user.ID, s.people[b].user.ID, kind, reason, s.now.Add(-ago))
		d.ID = s.id(d.CreatedAt)
		return d
	}
	return []linking.Duplicate{
		pair(5, members+1, linking.DuplicateSpelling, "the same verified address in another spelling", 6*day),
		pair(8, members+2, linking.DuplicateAddress, "the same verified address", 5*day),
		pair(12, members+3, linking.DuplicateHint, "one shows an address that the other has verified", 4*day),
		pair(16, members+4, linking.DuplicateHint, "the same address, not verified", 3*day),
		pair(22, members+5, linking.DuplicateHint, "the same name, and pictures at the same place", 2*day),
	}
}

// addHistory records a month of sign-ins, fewer on weekends, and what was refused.
func (s *seed) addHistory(ctx context.Context, store Store) error {
	var events []identity.Event
	for d := days - 1; d >= 0; d-- {
		start := s.now.Add(-time.Duration(d+1) * day)
		signIns := 34 + s.random.IntN(18)
		if weekday := start.Weekday(); weekday == time.Saturday || weekday == time.Sunday {
			signIns = 9 + s.random.IntN(7)
		}
		for n := range signIns {
			p, at := s.people[s.random.IntN(len(s.people))], start.Add(time.Duration(n)*day/time.Duration(signIns)).Truncate(time.Second)
			via := p.identities[s.random.IntN(len(p.identities))]
			e := s.event(p, identity.ActionSessionCreated, at, identity.Metadata{"provider": via.Provider, "subject": via.Subject, "purpose": identity.PurposeSignIn, "reason": "identity_owned"})
			if n%17 == 16 {
				e.Action, e.ActorID = identity.ActionProofRefused, nil
				e.Data["reason"], e.Data["code"] = refusals[n/17%len(refusals)], identity.CodeEmailTaken
			}
			events = append(events, e)
		}
	}
	return store.RecordEvents(ctx, events...)
}

// largeName is what the large team is called.
const largeName = "Harbor Labs"

var refusals = []string{"policy_confirm", "contested_address", "unlinked_before"}
