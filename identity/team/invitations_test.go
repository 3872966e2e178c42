package team_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// invited is a team with an inviter, and someone with an open invitation.
type invited struct {
	id             identity.ID
	owner, inviter identity.User
	receiver       identity.User
	invitation     team.Invitation
}

func (f *fixture) invited(t *testing.T, role team.Role) invited {
	t.Helper()
	out := invited{owner: f.User(t), receiver: f.User(t)}
	out.id = f.Team(t, out.owner.ID).ID
	out.inviter = f.join(t, out.id, team.RoleAdmin)
	address := f.Email(t, out.receiver.ID, identityWord()+"@example.com").Address
	var err error
	out.invitation, err = f.Service.Invite(t.Context(), actor(out.inviter), out.id, team.Target{Email: &address}, role)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// identityWord is a word in lower case, as canonical addresses are.
func identityWord() string { return identity.NewID().String() }

func TestAccept(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		i := f.invited(t, team.RoleAdmin)
		stranger := f.User(t)
		_, err := f.Accept(t.Context(), actor(stranger), i.invitation.ID)
		storagetest.WantNotFound(t, "someone else", err)
		_, err = f.Accept(t.Context(), actor(i.inviter), i.invitation.ID)
		storagetest.WantNotFound(t, "the inviter", err)
		storagetest.WantNotFound(t, "declined by someone else", f.Decline(t.Context(), actor(stranger), i.invitation.ID))
		_, err = f.Accept(t.Context(), actor(i.receiver), identity.NewID())
		storagetest.WantNotFound(t, "no invitation", err)

		mine, err := f.Accept(t.Context(), actor(i.receiver), i.invitation.ID)
		if err != nil || mine.ID != i.id || mine.Role != team.RoleAdmin || f.role(t, i.id, i.receiver.ID) != team.RoleAdmin {
			t.Fatalf("%+v, %v", mine, err)
		}
		_, err = f.Accept(t.Context(), actor(i.receiver), i.invitation.ID)
		storagetest.WantCode(t, "twice", err, identity.CodeInvitationClosed)
		storagetest.WantCode(t, "declined after", f.Decline(t.Context(), actor(i.receiver), i.invitation.ID), identity.CodeInvitationClosed)
		storagetest.WantCode(t, "revoked after", f.RevokeInvitation(t.Context(), actor(i.owner), i.id, i.invitation.ID), identity.CodeInvitationClosed)
	})
}

func TestWhatClosesAnInvitation(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for name, close := range map[string]func(i invited) error{
			"revoked":         func(i invited) error { return f.RevokeInvitation(t.Context(), actor(i.inviter), i.id, i.invitation.ID) },
			"declined":        func(i invited) error { return f.Decline(t.Context(), actor(i.receiver), i.invitation.ID) },
			"inviter removed": func(i invited) error { return f.Remove(t.Context(), actor(i.owner), i.id, i.inviter.ID) },
			"inviter left":    func(i invited) error { return f.Remove(t.Context(), actor(i.inviter), i.id, i.inviter.ID) },
			"inviter demoted": func(i invited) error {
				_, err := f.ChangeRole(t.Context(), actor(i.owner), i.id, i.inviter.ID, team.RoleMember, false)
				return err
			},
			"team deleted": func(i invited) error { return f.Delete(t.Context(), actor(i.owner), i.id) },
		} {
			i := f.invited(t, team.RoleMember)
			if err := close(i); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			_, err := f.Accept(t.Context(), actor(i.receiver), i.invitation.ID)
			storagetest.WantCode(t, name, err, identity.CodeInvitationClosed)
			storagetest.Same(t, f.role(t, i.id, i.receiver.ID), "none")
		}

		// An owner who is an admin now could not invite an owner any more.
		i := f.invited(t, team.RoleMember)
		if _, err := f.ChangeRole(t.Context(), actor(i.owner), i.id, i.inviter.ID, team.RoleOwner, false); err != nil {
			t.Fatal(err)
		}
		toOwner := f.Database.Invite(t, i.id, i.inviter.ID, func(n *team.Invitation) {
			n.Role, n.Email = team.RoleOwner, new(f.Email(t, i.receiver.ID, identityWord()+"@example.com").Address)
		})
		if _, err := f.ChangeRole(t.Context(), actor(i.owner), i.id, i.inviter.ID, team.RoleAdmin, false); err != nil {
			t.Fatal(err)
		}
		_, err := f.Accept(t.Context(), actor(i.receiver), toOwner.ID)
		storagetest.WantCode(t, "inviter demoted to admin", err, identity.CodeInvitationClosed)
		if _, err := f.Accept(t.Context(), actor(i.receiver), i.invitation.ID); err != nil {
			t.Errorf("what an admin may still give: %v", err)
		}
	})
}

func TestALateInvitation(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		late, just := f.invited(t, team.RoleMember), f.invited(t, team.RoleMember)
		f.Clock.Set(just.invitation.ExpiresAt.Add(-time.Microsecond))
		if got, _, err := f.Received(t.Context(), late.receiver.ID, page); err != nil || len(got) != 1 {
			t.Errorf("%v, %v", got, err)
		}
		if _, err := f.Accept(t.Context(), actor(just.receiver), just.invitation.ID); err != nil {
			t.Errorf("just before it expires: %v", err)
		}
		f.Clock.Advance(time.Microsecond)
		_, err := f.Accept(t.Context(), actor(late.receiver), late.invitation.ID)
		storagetest.WantCode(t, "at the instant", err, identity.CodeInvitationClosed)
		storagetest.WantCode(t, "declined", f.Decline(t.Context(), actor(late.receiver), late.invitation.ID), identity.CodeInvitationClosed)
		if got, _, err := f.Received(t.Context(), late.receiver.ID, page); err != nil || len(got) != 0 {
			t.Errorf("%v, %v", got, err)
		}
	})
}

func TestInvite(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		owner := f.User(t)
		id := f.Team(t, owner.ID).ID
		invite := func(to team.Target) error {
			_, err := f.Service.Invite(t.Context(), actor(owner), id, to, team.RoleMember)
			return err
		}
		address, wallet := "Ada@Example.com", storagetest.Address()
		storagetest.WantCode(t, "no target", invite(team.Target{}), identity.CodeInvalidRequest)
		storagetest.WantCode(t, "both", invite(team.Target{Email: &address, Wallet: &wallet}), identity.CodeInvalidRequest)
		storagetest.WantCode(t, "no address", invite(team.Target{Email: new("a@b@c.de")}), identity.CodeInvalidEmail)
		if err := invite(team.Target{Email: &address}); err != nil {
			t.Error(err)
		}
		storagetest.WantCode(t, "the same in another spelling", invite(team.Target{Email: new("aDA@EXAMPLE.com")}), identity.CodeAlreadyInvited)
		if err := invite(team.Target{Wallet: &wallet}); err != nil {
			t.Error(err)
		}
		storagetest.WantCode(t, "the same wallet", invite(team.Target{Wallet: &wallet}), identity.CodeAlreadyInvited)

		// The wallet's owner can accept with it; its address alone is not enough.
		u := f.User(t)
		got, _, err := f.Received(t.Context(), u.ID, page)
		if err != nil || len(got) != 0 {
			t.Errorf("%v, %v", got, err)
		}
		f.Wallet(t, u.ID, func(i *identity.Identity) { i.WalletAddress = &wallet })
		got, _, err = f.Received(t.Context(), u.ID, page)
		if err != nil || len(got) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		if _, err := f.Accept(t.Context(), actor(u), got[0].ID); err != nil {
			t.Error(err)
		}
	})
}

func TestAMemberIsInvitedAgain(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		i := f.invited(t, team.RoleAdmin)
		f.Database.Member(t, i.id, i.receiver.ID, team.RoleMember)
		_, err := f.Accept(t.Context(), actor(i.receiver), i.invitation.ID)
		storagetest.WantCode(t, "a member", err, identity.CodeAlreadyMember)
		storagetest.Same(t, f.role(t, i.id, i.receiver.ID), team.RoleMember) // no way to another role
	})
}

func TestAcceptedByManyAtOnceIsOneMember(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		i := f.invited(t, team.RoleMember)
		// Two own what was invited only if the address changes hands; here one
		// person clicks twenty times.
		var won atomic.Int32
		testkit.Together(20, func(int) {
			if _, err := f.Accept(t.Context(), actor(i.receiver), i.invitation.ID); err == nil {
				won.Add(1)
			} else {
				storagetest.WantCode(t, "late", err, identity.CodeInvitationClosed)
			}
		})
		members, _, err := f.Service.Members(t.Context(), actor(i.owner), i.id, page)
		storagetest.Same(t, []any{won.Load(), len(members), err}, []any{1, 3, nil})
	})
}

// Accepting against revoking, at once: the two agree on who was first.
func TestAcceptedWhileRevoked(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for range 10 {
			i := f.invited(t, team.RoleMember)
			var accepted, revoked error
			testkit.Together(2, func(n int) {
				if n == 0 {
					_, accepted = f.Accept(t.Context(), actor(i.receiver), i.invitation.ID)
				} else {
					revoked = f.RevokeInvitation(t.Context(), actor(i.owner), i.id, i.invitation.ID)
				}
			})
			member := f.role(t, i.id, i.receiver.ID) != "none"
			if (accepted == nil) == (revoked == nil) || member != (accepted == nil) {
				t.Errorf("accepted %v, revoked %v, member %v", accepted, revoked, member)
			}
		}
	})
}

func TestRemovalEndsTeamSessions(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		owner := f.User(t)
		id := f.Team(t, owner.ID).ID
		u := f.join(t, id, team.RoleMember)
		open := func() int {
			rows, err := f.TeamSessions(t.Context(), id, session.Filter{Status: session.StatusActive}, f.Clock.Now(), page)
			if err != nil {
				t.Fatal(err)
			}
			return len(rows)
		}
		f.TeamSession(t, id, f.Session(t, u.ID))
		f.TeamSession(t, id, f.Session(t, u.ID))
		f.TeamSession(t, id, f.Session(t, owner.ID))
		if err := f.Remove(t.Context(), actor(owner), id, u.ID); err != nil {
			t.Fatal(err)
		}
		storagetest.Same(t, open(), 1)
		if err := f.Delete(t.Context(), actor(owner), id); err != nil {
			t.Fatal(err)
		}
		storagetest.Same(t, open(), 0)
		storagetest.WantNotFound(t, "a deleted team", f.InTx(t.Context(), func(ctx context.Context) error {
			_, err := f.LockTeam(ctx, id)
			return err
		}))
	})
}

// An invitation is good while the person who sent it could send it now: every
// role and status of theirs, by every role that is offered. The list says why it
// is not, and an owner renews it.
func TestAnInvitationIsAsGoodAsItsInviter(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		for _, offered := range []team.Role{team.RoleOwner, team.RoleAdmin, team.RoleMember} {
			for _, now := range []team.Role{team.RoleOwner, team.RoleAdmin, team.RoleMember, ""} {
				for _, suspended := range []bool{false, true} {
					name := string(offered) + " by " + string(now)
					owner, inviter, receiver := f.User(t), f.User(t), f.User(t)
					id := f.Team(t, owner.ID).ID
					f.Member(t, id, inviter.ID, team.RoleOwner)
					address := f.Email(t, receiver.ID, identityWord()+"@example.com").Address
					invite := func(by identity.User) (team.Invitation, error) {
						return f.Service.Invite(t.Context(), actor(by), id, team.Target{Email: &address}, offered)
					}
					i, err := invite(inviter)
					if err != nil {
						t.Fatal(err)
					}
					_, err = invite(owner)
					storagetest.WantCode(t, name+": while it is good", err, identity.CodeAlreadyInvited)
					switch now {
					case team.RoleOwner:
					case "":
						err = f.Remove(t.Context(), actor(owner), id, inviter.ID)
					default:
						_, err = f.ChangeRole(t.Context(), actor(owner), id, inviter.ID, now, false)
					}
					if now != team.RoleOwner && err != nil {
						t.Fatal(err)
					}
					want := team.VoidReason("")
					switch {
					case suspended:
						name += ", suspended"
						inviter.Status = identity.StatusDisabled
						f.Do(t, func(ctx context.Context) error { return f.UpdateUser(ctx, inviter) })
						want = team.VoidInviterSuspended
					case now == "":
						want = team.VoidInviterRemoved
					case now == team.RoleMember, now == team.RoleAdmin && offered == team.RoleOwner:
						want = team.VoidInviterDemoted
					}
					open, _, err := f.Service.Invitations(t.Context(), actor(owner), id, identity.Page{Limit: 9})
					if err != nil || len(open) != 1 || open[0].VoidReason != want {
						t.Errorf("%s: the list says %+v, %v; want %q", name, open, err, want)
					}
					if want != "" {
						_, err = f.Accept(t.Context(), actor(receiver), i.ID)
						storagetest.WantCode(t, name, err, identity.CodeInvitationClosed)
						if got := f.role(t, id, receiver.ID); got != "none" {
							t.Errorf("%s: accepted as %s", name, got)
						}
						admin := f.join(t, id, team.RoleAdmin)
						_, err = invite(admin) // who cannot take an owner's back
						if offered == team.RoleOwner {
							storagetest.WantCode(t, name+": renewed by an admin", err, identity.CodeForbidden)
							_, err = f.Service.Invite(t.Context(), actor(admin), id, team.Target{Email: &address}, team.RoleMember)
							storagetest.WantCode(t, name+": replaced by an admin", err, identity.CodeAlreadyInvited)
							_, err = invite(owner)
						}
						if err != nil {
							t.Errorf("%s: not renewed: %v", name, err)
						}
						open, _, err = f.Service.Invitations(t.Context(), actor(owner), id, identity.Page{Limit: 9})
						if err != nil || len(open) != 1 || open[0].ID == i.ID || open[0].VoidReason != "" {
							t.Fatalf("%s: after renewing %+v, %v", name, open, err)
						}
						i = open[0]
					}
					if mine, err := f.Accept(t.Context(), actor(receiver), i.ID); err != nil || mine.Role != offered {
						t.Errorf("%s: accepted as %q, %v", name, mine.Role, err)
					}
				}
			}
		}
	})
}

// Who is suspended between their request and its transaction does nothing more in
// their teams.
func TestASuspendedMemberDoesNothing(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		owner := f.User(t)
		id := f.Team(t, owner.ID).ID
		admin := f.join(t, id, team.RoleAdmin)
		admin.Status = identity.StatusDisabled
		f.Do(t, func(ctx context.Context) error { return f.UpdateUser(ctx, admin) })
		address := identityWord() + "@example.com"
		_, invited := f.Service.Invite(t.Context(), actor(admin), id, team.Target{Email: &address}, team.RoleMember)
		_, renamed := f.Rename(t.Context(), actor(admin), id, "Mine")
		_, _, listed := f.Members(t.Context(), actor(admin), id, identity.Page{Limit: 9})
		for name, err := range map[string]error{"invite": invited, "rename": renamed, "list": listed, "leave": f.Remove(t.Context(), actor(admin), id, admin.ID)} {
			storagetest.WantNotFound(t, name, err)
		}
	})
}
