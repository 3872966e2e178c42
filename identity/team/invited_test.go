package team_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/storage"
)

// post queues a task for each letter, as the service's own does.
type post struct{ *storage.DB }

func (p post) Announce(ctx context.Context, i team.Invitation, _ identity.Language) error {
	return p.EnqueueTasks(ctx, identity.Task{
		ID: i.ID, Kind: identity.TaskInvitation, Payload: []byte{1}, CreatedAt: i.CreatedAt, NextAttemptAt: i.CreatedAt, ExpiresAt: i.ExpiresAt,
	})
}

// queued counts the letters that wait.
func (f *fixture) queued(t *testing.T) (n int) {
	t.Helper()
	f.Do(t, func(ctx context.Context) error {
		for {
			_, err := f.ClaimTask(ctx, []identity.TaskKind{identity.TaskInvitation}, f.Clock.Now(), f.Clock.Now().Add(time.Hour))
			if errors.Is(err, identity.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			n++
		}
	})
	return n
}

// eachWithPost is each, with mail.
func eachWithPost(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		test(t, &fixture{d, team.NewService(d.DB, d.Clock.Now, team.WithInvitationMailer(post{d.DB}))})
	})
}

func TestAnInvitedAddressIsTold(t *testing.T) {
	eachWithPost(t, func(t *testing.T, f *fixture) {
		i := f.invited(t, team.RoleAdmin)
		storagetest.Same(t, i.invitation.MailStatus, team.MailQueued)
		storagetest.Same(t, f.queued(t), 1)
		letter, err := f.InvitationMail(t.Context(), i.invitation.ID)
		storagetest.Same(t, []any{letter, err}, []any{
			team.InvitationMail{To: *i.invitation.Email, TeamName: "Keys", Role: team.RoleAdmin, Until: i.invitation.ExpiresAt}, nil,
		})

		byWallet, err := f.Service.Invite(t.Context(), actor(i.owner), i.id, team.Target{Wallet: new(storagetest.Address())}, team.RoleMember)
		storagetest.Same(t, []any{byWallet.MailStatus, err, f.queued(t)}, []any{team.MailStatus(""), nil, 0})
		_, err = f.InvitationMail(t.Context(), byWallet.ID)
		storagetest.WantNotFound(t, "a wallet's letter", err)
		_, err = f.Service.Invite(t.Context(), actor(i.owner), i.id, team.Target{Email: i.invitation.Email}, team.RoleMember)
		storagetest.WantCode(t, "again", err, identity.CodeAlreadyInvited)
		storagetest.Same(t, f.queued(t), 0)

		silent := team.NewService(f.DB, f.Clock.Now)
		got, err := silent.Invite(t.Context(), actor(i.owner), i.id, team.Target{Email: new(identityWord() + "@example.com")}, team.RoleMember)
		storagetest.Same(t, []any{got.MailStatus, err, f.queued(t)}, []any{team.MailOff, nil, 0})
	})
}

// unrecorded fails to write audit events, the last thing an invitation does.
type unrecorded struct{ *storage.DB }

var errUnrecorded = errors.New("no event")

func (unrecorded) RecordEvents(context.Context, ...identity.Event) error { return errUnrecorded }

func TestNobodyIsToldOfAnInvitationThatIsRolledBack(t *testing.T) {
	eachWithPost(t, func(t *testing.T, f *fixture) {
		owner := f.User(t)
		id := f.Team(t, owner.ID).ID
		failing := team.NewService(unrecorded{f.DB}, f.Clock.Now, team.WithInvitationMailer(post{f.DB}))
		_, err := failing.Invite(t.Context(), actor(owner), id, team.Target{Email: new("a@example.com")}, team.RoleMember)
		open, listErr := f.OpenInvitations(t.Context(), id, f.Clock.Now(), page)
		storagetest.Same(t, []any{err, len(open), listErr, f.queued(t)}, []any{errUnrecorded, 0, nil, 0})
	})
}

// What became of an invitation, its team or its sender before the letter leaves.
func TestNoLetterOfWhatCannotBeAccepted(t *testing.T) {
	eachWithPost(t, func(t *testing.T, f *fixture) {
		suspend := func(i invited) error {
			i.inviter.Status = identity.StatusDisabled
			f.Do(t, func(ctx context.Context) error { return f.UpdateUser(ctx, i.inviter) })
			return nil
		}
		for name, change := range map[string]func(i invited) error{
			"cancelled":         func(i invited) error { return f.RevokeInvitation(t.Context(), actor(i.owner), i.id, i.invitation.ID) },
			"declined":          func(i invited) error { return f.Decline(t.Context(), actor(i.receiver), i.invitation.ID) },
			"accepted":          func(i invited) error { _, err := f.Accept(t.Context(), actor(i.receiver), i.invitation.ID); return err },
			"team deleted":      func(i invited) error { return f.Delete(t.Context(), actor(i.owner), i.id) },
			"inviter removed":   func(i invited) error { return f.Remove(t.Context(), actor(i.owner), i.id, i.inviter.ID) },
			"inviter suspended": suspend,
			"inviter demoted": func(i invited) error {
				_, err := f.ChangeRole(t.Context(), actor(i.owner), i.id, i.inviter.ID, team.RoleMember, false)
				return err
			},
		} {
			i := f.invited(t, team.RoleMember)
			if err := change(i); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			_, err := f.InvitationMail(t.Context(), i.invitation.ID)
			storagetest.WantNotFound(t, name, err)
		}
		i := f.invited(t, team.RoleMember)
		f.Clock.Set(i.invitation.ExpiresAt.Add(-time.Microsecond))
		if _, err := f.InvitationMail(t.Context(), i.invitation.ID); err != nil {
			t.Errorf("just before it expires: %v", err)
		}
		f.Clock.Advance(time.Microsecond)
		_, err := f.InvitationMail(t.Context(), i.invitation.ID)
		storagetest.WantNotFound(t, "expired", err)
		_, err = f.InvitationMail(t.Context(), identity.NewID())
		storagetest.WantNotFound(t, "none", err)
	})
}

// An address gets a limited number of mails a day, whatever the inviter, however often
// the invitation is cancelled, and however many at once; the invitations are made.
func TestNobodyIsFloodedByInvitations(t *testing.T) {
	eachWithPost(t, func(t *testing.T, f *fixture) {
		address := identityWord() + "@example.com"
		statuses := make([]team.MailStatus, 12)
		owners, teams := make([]identity.User, len(statuses)), make([]identity.ID, len(statuses))
		for n := range statuses {
			owners[n] = f.User(t)
			teams[n] = f.Team(t, owners[n].ID).ID
		}
		testkit.Together(len(statuses), func(n int) {
			i, err := f.Service.Invite(t.Context(), actor(owners[n]), teams[n], team.Target{Email: &address}, team.RoleMember)
			if err != nil {
				t.Error(err)
				return
			}
			statuses[n] = i.MailStatus
			if err := f.RevokeInvitation(t.Context(), actor(owners[n]), teams[n], i.ID); err != nil {
				t.Error(err)
			}
		})
		storagetest.Same(t, []int{strings.Count(fmt.Sprint(statuses), "queued"), strings.Count(fmt.Sprint(statuses), "limited"), f.queued(t)},
			[]int{team.MailsToAddress, len(statuses) - team.MailsToAddress, team.MailsToAddress})

		f.Clock.Advance(24 * time.Hour)
		i, err := f.Service.Invite(t.Context(), actor(owners[0]), teams[0], team.Target{Email: &address}, team.RoleMember)
		storagetest.Same(t, []any{i.MailStatus, err}, []any{team.MailQueued, nil})
	})
}

// A person writes to so many a day, in however many teams, and a team by
// however many people.
func TestNobodyFloodsByInvitations(t *testing.T) {
	eachWithPost(t, func(t *testing.T, f *fixture) {
		made := func(id, by identity.ID, n int) {
			for range n {
				f.Database.Invite(t, id, by, func(i *team.Invitation) { i.CreatedAt = f.Clock.Now(); i.ExpiresAt = i.CreatedAt.Add(time.Hour) })
			}
		}
		next := func(by identity.User, id identity.ID) team.MailStatus {
			i, err := f.Service.Invite(t.Context(), actor(by), id, team.Target{Email: new(identityWord() + "@example.com")}, team.RoleMember)
			if err != nil {
				t.Error(err)
			}
			return i.MailStatus
		}
		owner := f.User(t)
		one, two, three := f.Team(t, owner.ID).ID, f.Team(t, owner.ID).ID, f.Team(t, owner.ID).ID
		made(one, owner.ID, team.MailsByInviter/2)
		made(two, owner.ID, team.MailsByInviter/2-1)
		storagetest.Same(t, []team.MailStatus{next(owner, three), next(owner, three)}, []team.MailStatus{team.MailQueued, team.MailLimited})

		admin := f.join(t, one, team.RoleAdmin)
		made(one, admin.ID, team.MailsByTeam-team.MailsByInviter/2-1)
		third := f.join(t, one, team.RoleAdmin)
		storagetest.Same(t, []team.MailStatus{next(third, one), next(third, one), next(third, f.Team(t, third.ID).ID)},
			[]team.MailStatus{team.MailQueued, team.MailLimited, team.MailQueued})
	})
}
