package linking

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// Deletion is that a user leaves, or has left. Until DeletesAt they are disabled, keep
// their addresses and identities, and can come back.
type Deletion struct {
	UserID      identity.ID
	RequestedBy *identity.ID // the user or the API key; nil for the command line
	RequestedAt time.Time
	DeletesAt   time.Time
	// RestoresTo is what the user is again if they come back. Who was suspended
	// cannot come back by themselves.
	RestoresTo identity.Status
	ErasedAt   *time.Time
}

// LeaveStore keeps deletions, in the transaction of InTx.
type LeaveStore interface {
	// Deletion returns the deletion of a user, over or not.
	Deletion(ctx context.Context, user identity.ID) (Deletion, error)
	InsertDeletion(ctx context.Context, d Deletion) error
	DeleteDeletion(ctx context.Context, user identity.ID) error
	// DueDeletions lists users whose time is over, the longest first.
	DueDeletions(ctx context.Context, now time.Time, limit int) ([]identity.ID, error)
	UpdateUser(ctx context.Context, u identity.User) error
	// EndSessions is that of session.Store.
	EndSessions(ctx context.Context, user identity.ID, which session.SessionSelector, reason string, at time.Time) ([]identity.ID, error)
	// CloseInvitationsOf closes, as revoked, the open invitations that a user sent and
	// those to their addresses and wallets, and returns them.
	CloseInvitationsOf(ctx context.Context, user identity.ID, at time.Time) ([]team.Invitation, error)
	// OwnerlessTeamsOf names the teams of a user that no active owner is left in.
	OwnerlessTeamsOf(ctx context.Context, user identity.ID) ([]string, error)
	Membership(ctx context.Context, team, user identity.ID) (team.Membership, error)
	UpdateRole(ctx context.Context, m team.Membership) error
	LockTeam(ctx context.Context, id identity.ID) (team.Team, error)
	team.Ender
	// KeysCreatedBy and RevokeKeys are those of team.Store.
	KeysCreatedBy(ctx context.Context, user identity.ID, team *identity.ID, now time.Time) ([]identity.CreatedKey, error)
	RevokeKeys(ctx context.Context, ids []identity.ID, at time.Time) error
	// MergedFrom returns the former ids of users.
	MergedFrom(ctx context.Context, users []identity.ID) (map[identity.ID][]identity.ID, error)
	// Erase takes every personal value of users off all tables but the audit trail.
	// Their vouchers keep, of addresses and subjects, what hash makes of them, and so do
	// the ids that they were imported by.
	Erase(ctx context.Context, users []identity.ID, hash func(value string) string, at time.Time) error
	// EraseImported does the latter for users whom an earlier release erased.
	EraseImported(ctx context.Context, hash func(value string) string) error
}

// TeamFate is what becomes of a team whose owner leaves.
type TeamFate struct {
	TransferTo *identity.ID // a member, who becomes an owner
	Delete     bool
}

// Leaving is how a user leaves.
type Leaving struct {
	Teams  map[identity.ID]TeamFate
	Reason string // of an operator, "" for none
}

func (l Leaving) check() error {
	if !identity.IsLine(l.Reason, 200) {
		return identity.NewError(identity.CodeInvalidRequest, "a reason has no control characters").WithField("reason")
	}
	for _, f := range l.Teams {
		if f.Delete == (f.TransferTo != nil) {
			return identity.NewError(identity.CodeInvalidRequest, "give exactly one of transfer_to and delete for each team").WithField("teams")
		}
	}
	return nil
}

// Leave deletes a user after a grace, in which they can come back: the actor's own
// account, or another for operators and API keys, recently verified. Everything that
// works for them ends at once; addresses and identities stay taken until the end.
// CodeLastOwner if a team would have no active owner: l.Teams says what becomes of
// it, which is final. A user who is leaving already keeps the earlier time.
func (s *Service) Leave(ctx context.Context, actor identity.Actor, id identity.ID, l Leaving) (Deletion, error) {
	if err := actor.RequireRecentlyVerified(); err != nil {
		return Deletion{}, err
	}
	if err := l.check(); err != nil {
		return Deletion{}, err
	}
	var out Deletion
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		var heirs []identity.ID
		for _, f := range l.Teams {
			if f.TransferTo != nil {
				heirs = append(heirs, *f.TransferTo)
			}
		}
		u, locked, err := s.lockLeaving(ctx, id, heirs...)
		if err != nil {
			return err
		}
		if u.Status == identity.StatusMerged {
			return identity.ErrNotFound
		}
		if err := actor.RequireActsOn(u); err != nil {
			return err
		}
		earlier, err := s.store.Deletion(ctx, id)
		switch {
		case err == nil && earlier.ErasedAt != nil:
			return identity.ErrNotFound
		case err == nil:
			out = earlier
			return nil
		case !errors.Is(err, identity.ErrNotFound):
			return err
		}
		out, err = s.leave(ctx, actor, u, locked, l)
		return err
	})
	return out, err
}

// lockLeaving holds a user, those who were merged into them, whose rows erasure changes
// as well, and others; all at once, in id order, as an undo holds them.
func (s *Service) lockLeaving(ctx context.Context, id identity.ID, others ...identity.ID) (u identity.User, locked []identity.User, err error) {
	former, err := s.store.MergedFrom(ctx, []identity.ID{id})
	if err != nil {
		return u, nil, err
	}
	if locked, err = s.store.LockUsers(ctx, slices.Concat([]identity.ID{id}, former[id], others)...); err != nil {
		return u, nil, err
	}
	at := slices.IndexFunc(locked, func(u identity.User) bool { return u.ID == id })
	if at < 0 {
		return u, nil, identity.ErrNotFound
	}
	return locked[at], locked, nil
}

func (s *Service) leave(ctx context.Context, actor identity.Actor, u identity.User, locked []identity.User, l Leaving) (Deletion, error) {
	now := s.now()
	d := Deletion{UserID: u.ID, RequestedBy: cmp.Or(actor.KeyID, actor.By()), RequestedAt: now, DeletesAt: now.Add(s.grace), RestoresTo: u.Status}
	if err := s.store.LockTeamsOf(ctx, u.ID); err != nil {
		return d, err
	}
	if err := s.notify(ctx, identity.NoticeDeletionRequested, u.ID, d.DeletesAt.UTC().Format("2006-01-02 15:04 MST"), actor.Origin); err != nil {
		return d, err
	}
	events, err := s.settleTeams(ctx, actor, u.ID, locked, l.Teams)
	if err != nil {
		return d, err
	}
	if err := s.endSessions(ctx, actor, u.ID, session.SessionSelector{}, "deletion_requested"); err != nil {
		return d, err
	}
	if err := errors.Join(s.store.KillTickets(ctx, u.ID, now), s.store.RevokeGrantsOf(ctx, u.ID, now)); err != nil {
		return d, err
	}
	ended, err := s.endKeys(ctx, actor, u.ID)
	if err != nil {
		return d, err
	}
	events = append(events, ended...)
	closed, err := s.store.CloseInvitationsOf(ctx, u.ID, now)
	if err != nil {
		return d, err
	}
	for _, i := range closed {
		e := actor.Event(identity.ActionInvitationRevoked, now)
		e.TeamID, e.Data = &i.TeamID, identity.Metadata{"invitation_id": i.ID, "reason": "deletion_requested"}
		events = append(events, e)
	}
	u.Status, u.UpdatedAt = identity.StatusDisabled, now
	if err := s.store.UpdateUser(ctx, u); err != nil {
		return d, err
	}
	if err := s.requireOwners(ctx, u.ID); err != nil {
		return d, err
	}
	if err := s.store.InsertDeletion(ctx, d); err != nil {
		return d, err
	}
	e := actor.Event(identity.ActionUserDeletionRequested, now)
	e.UserID, e.Data = &u.ID, identity.Metadata{"deletes_at": d.DeletesAt}
	if l.Reason != "" {
		e.Data["reason"] = l.Reason
	}
	if err := s.store.RecordEvents(ctx, append(events, e)...); err != nil || s.grace > 0 {
		return d, err
	}
	return d, s.erase(ctx, u, now)
}

// endSessions ends sessions of a user, with an event that names them.
func (s *Service) endSessions(ctx context.Context, actor identity.Actor, user identity.ID, which session.SessionSelector, reason string) error {
	now := s.now()
	ended, err := s.store.EndSessions(ctx, user, which, reason, now)
	if err != nil || len(ended) == 0 {
		return err
	}
	e := actor.Event(identity.ActionSessionEnded, now)
	e.UserID, e.Data = &user, identity.Metadata{"ended_session_ids": ended, "reason": reason}
	return s.store.RecordEvents(ctx, e)
}

// endKeys ends the working keys of the deployment that a user created: they know the
// secrets. Keys of teams are the teams'. Only a person ends keys, and no key deletes an
// operator.
func (s *Service) endKeys(ctx context.Context, actor identity.Actor, user identity.ID) ([]identity.Event, error) {
	if actor.KeyID != nil {
		return nil, nil
	}
	now := s.now()
	keys, err := s.store.KeysCreatedBy(ctx, user, nil, now)
	if err != nil {
		return nil, err
	}
	keys = slices.DeleteFunc(keys, func(k identity.CreatedKey) bool { return k.TeamID != nil })
	events := make([]identity.Event, len(keys))
	for i, k := range keys {
		events[i] = k.Revoked(actor, "creator_deleted", now)
	}
	return events, s.store.RevokeKeys(ctx, identity.KeyIDs(keys), now)
}

// requireOwners refuses with CodeLastOwner if a team of the user has no active owner.
func (s *Service) requireOwners(ctx context.Context, user identity.ID) error {
	ownerless, err := s.store.OwnerlessTeamsOf(ctx, user)
	if err == nil && len(ownerless) > 0 {
		err = identity.NewError(identity.CodeLastOwner,
			"no other active owner is in %s: name in `teams` a member to transfer each to, or delete it", strings.Join(ownerless, ", "))
	}
	return err
}

// settleTeams transfers and deletes teams of an owner who leaves. Their rows are held.
func (s *Service) settleTeams(ctx context.Context, actor identity.Actor, user identity.ID, locked []identity.User, fates map[identity.ID]TeamFate) ([]identity.Event, error) {
	now := s.now()
	var events []identity.Event
	event := func(action identity.Action, id identity.ID, about *identity.ID, data identity.Metadata) {
		e := actor.Event(action, now)
		e.TeamID, e.UserID, e.Data = &id, about, data
		events = append(events, e)
	}
	for _, id := range slices.SortedFunc(maps.Keys(fates), func(a, b identity.ID) int { return strings.Compare(a.String(), b.String()) }) {
		own, err := s.store.Membership(ctx, id, user)
		if err == nil && own.Role != team.RoleOwner {
			err = identity.ErrNotFound
		}
		var t team.Team
		if err == nil {
			t, err = s.store.LockTeam(ctx, id)
		}
		if errors.Is(err, identity.ErrNotFound) {
			return nil, identity.NewError(identity.CodeInvalidRequest, "the team %s is not one that this user owns", id).WithField("teams")
		}
		if err != nil {
			return nil, err
		}
		if fates[id].Delete {
			keys, err := team.End(ctx, s.store, t, user, now)
			if err != nil {
				return nil, err
			}
			event(identity.ActionTeamDeleted, id, nil, identity.Metadata{"name": t.Name, "api_keys_ended": keys, "reason": "deletion_requested"})
			continue
		}
		heir := *fates[id].TransferTo
		m, err := s.store.Membership(ctx, id, heir)
		active := slices.ContainsFunc(locked, func(u identity.User) bool { return u.ID == heir && u.Active() })
		if errors.Is(err, identity.ErrNotFound) || err == nil && (!active || heir == user) {
			return nil, identity.NewError(identity.CodeInvalidRequest, "the team %s can be transferred to another active member only", id).WithField("teams")
		}
		if err != nil {
			return nil, err
		}
		for _, change := range []struct {
			team.Membership
			to team.Role
		}{{m, team.RoleOwner}, {own, team.RoleMember}} {
			before := change.Role
			if before == change.to {
				continue
			}
			change.Role, change.RoleSince = change.to, &now
			if err := s.store.UpdateRole(ctx, change.Membership); err != nil {
				return nil, err
			}
			event(identity.ActionMemberRoleChanged, id, &change.UserID, identity.Metadata{"before": before, "role": change.to, "reason": "deletion_requested"})
		}
	}
	return events, nil
}

// letReturn signs a user who is leaving in to a session in which they can come back.
func (s *Service) letReturn(ctx context.Context, a Submission, d Decision, k lockedFacts) (r Result, err error) {
	r.Outcome, r.User = OutcomeLeaving, k.users[d.User]
	via := *k.identity
	via.KeyID = a.Proof.KeyID
	if r.Session, r.Token, err = s.sessions.IssueLeaving(ctx, via, a.Origin, a.Replaces); err != nil {
		return r, err
	}
	return r, s.store.RecordEvents(ctx, s.sessionEvent(a, d, identity.ActionSessionCreated, d.User, r.Session.ID))
}

// Leaving returns the deletion of a user who is leaving; identity.ErrNotFound for one
// who is not, or who was erased.
func (s *Service) Leaving(ctx context.Context, user identity.ID) (Deletion, error) {
	d, err := s.store.Deletion(ctx, user)
	if err == nil && d.ErasedAt != nil {
		err = identity.ErrNotFound
	}
	return d, err
}

// Return ends the deletion of the principal, whose session, from a sign-in in the
// grace, becomes one like any other. All addresses get a notice.
func (s *Service) Return(ctx context.Context, p session.Principal, origin identity.RequestOrigin) (Result, error) {
	var r Result
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		locked, err := s.store.LockUsers(ctx, p.User.ID)
		if err != nil {
			return err
		}
		d, err := s.Leaving(ctx, p.User.ID)
		if err == nil && d.RestoresTo != identity.StatusActive {
			err = identity.ErrNotFound
		}
		if err != nil || len(locked) == 0 {
			return cmp.Or(err, identity.ErrNotFound)
		}
		if p.Session.IdentityID == nil {
			return session.ErrUnauthenticated()
		}
		all, err := s.store.IdentitiesOf(ctx, []identity.ID{p.User.ID})
		if err != nil {
			return err
		}
		at := slices.IndexFunc(all, func(i identity.Identity) bool { return i.ID == *p.Session.IdentityID })
		if at < 0 {
			return session.ErrUnauthenticated()
		}
		actor := p.Actor(s.now(), origin)
		if r.User, err = s.restore(ctx, actor, locked[0], d, ""); err != nil {
			return err
		}
		if r.Session, r.Token, err = s.sessions.Renew(ctx, p.Session, &all[at], false); err != nil {
			return err
		}
		// Others of the grace would be sessions of an active user now.
		r.Outcome = OutcomeRestored
		return s.endSessions(ctx, actor, p.User.ID, session.SessionSelector{Except: &p.Session.ID}, "deletion_cancelled")
	})
	return r, err
}

// CancelDeletion ends the deletion of a user, for recently verified operators and API
// keys.
func (s *Service) CancelDeletion(ctx context.Context, actor identity.Actor, id identity.ID, reason string) error {
	if err := actor.RequireRecentlyVerified(); err != nil {
		return err
	}
	if err := (Leaving{Reason: reason}).check(); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		locked, err := s.store.LockUsers(ctx, id)
		if err != nil {
			return err
		}
		d, err := s.Leaving(ctx, id)
		if err != nil || len(locked) == 0 {
			return cmp.Or(err, identity.ErrNotFound)
		}
		if err := actor.RequireActsOn(locked[0]); err != nil {
			return err
		}
		if _, err := s.restore(ctx, actor, locked[0], d, reason); err != nil {
			return err
		}
		return s.endSessions(ctx, actor, id, session.SessionSelector{}, "deletion_cancelled")
	})
}

func (s *Service) restore(ctx context.Context, actor identity.Actor, u identity.User, d Deletion, reason string) (identity.User, error) {
	now := s.now()
	u.Status, u.UpdatedAt = d.RestoresTo, now
	if err := errors.Join(s.store.UpdateUser(ctx, u), s.store.DeleteDeletion(ctx, u.ID)); err != nil {
		return u, err
	}
	if err := s.notify(ctx, identity.NoticeDeletionCancelled, u.ID, "", actor.Origin); err != nil {
		return u, err
	}
	e := actor.Event(identity.ActionUserDeletionCancelled, now)
	e.UserID, e.Data = &u.ID, identity.Metadata{}
	if reason != "" {
		e.Data["reason"] = reason
	}
	return u, s.store.RecordEvents(ctx, e)
}
