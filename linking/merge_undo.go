package linking

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

// done shows a merge that has been confirmed.
func (s *Service) done(ctx context.Context, m Merge) (Preview, error) {
	users, err := s.store.LockUsers(ctx, m.SourceID, m.SurvivorID)
	if err != nil {
		return Preview{}, err
	}
	p := Preview{ID: m.ID, Plan: m.Plan, Merge: &m, Gains: gains(m.Plan)}
	for _, u := range users {
		if u.ID == m.SourceID {
			p.Source = withProfile(u, m.Plan.Source, u.UpdatedAt) // as before the merge
		} else {
			p.Survivor = u
		}
	}
	return p, nil
}

// UndoMerge undoes a merge for its survivor, or the user they were merged into
// since, who must be recently verified, or for an operator: exactly what moved returns
// to the source. Refused with CodeMergeMovedOn, naming what, when some of it is
// no longer as the merge left it, or a later merge must be undone before, and
// with CodeMergeRefused when the time for it is over. CodeOperatorMerge for what
// only the command line undoes: see mayUndo. Sessions that ended stay
// ended, and sessions that a returning identity created since end.
func (s *Service) UndoMerge(ctx context.Context, actor identity.Actor, id identity.ID, operator bool) (Preview, error) {
	return s.undo(ctx, &actor, id, operator)
}

// UndoAnyMerge is UndoMerge for the command line, which may undo any merge.
func (s *Service) UndoAnyMerge(ctx context.Context, id identity.ID) (Preview, error) {
	return s.undo(ctx, nil, id, true)
}

// undo undoes a merge for an actor; nil is the command line.
func (s *Service) undo(ctx context.Context, actor *identity.Actor, id identity.ID, operator bool) (Preview, error) {
	var out Preview
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		m, err := s.store.MergeByID(ctx, id)
		if err != nil {
			return err
		}
		last, holder, err := s.finalSurvivor(ctx, m)
		if err != nil {
			return err
		}
		if !operator && holder != actor.UserID {
			return identity.ErrNotFound
		}
		if actor != nil {
			if err := actor.RequireRecentlyVerified(); err != nil {
				return err
			}
		}
		now := s.now()
		if m.UndoneAt != nil || !now.Before(m.UndoUntil) {
			return identity.NewError(identity.CodeMergeRefused, "this merge was already undone, or can no longer be undone")
		}
		if last != nil {
			return errUndoFirst(*last)
		}
		users, err := s.store.LockUsers(ctx, m.SourceID, m.SurvivorID)
		if err != nil {
			return err
		}
		source, survivor := pair(users, m.SourceID)
		if err := mayUndo(actor, m, survivor); err != nil {
			return err
		}
		if err := s.sameTeamsSince(ctx, m); err != nil {
			return err
		}
		if err := s.store.LockTeamsOf(ctx, survivor.ID); err != nil {
			return err
		}
		if err := s.sameAsLeft(ctx, m, source, survivor); err != nil {
			return err
		}
		event := identity.Event{ID: identity.NewID(), At: now, Action: identity.ActionUserMergeUndone}
		if actor != nil {
			event = actor.Event(identity.ActionUserMergeUndone, now)
		}
		origin := identity.RequestOrigin{IP: event.IP, UserAgent: event.UserAgent}
		if err := s.notify(ctx, identity.NoticeMergeUndone, survivor.ID, "", origin); err != nil {
			return err
		}
		if err := s.moveBack(ctx, m, source, survivor, now); err != nil {
			return err
		}
		m.UndoneAt = &now
		if err := s.store.SetUndone(ctx, m); err != nil {
			return err
		}
		event.UserID = &m.SurvivorID
		event.Data = identity.Metadata{"merge_id": m.ID, "from": m.SourceID, "into": m.SurvivorID}
		if err := s.store.RecordEvents(ctx, event); err != nil {
			return err
		}
		out, err = s.done(ctx, m)
		return err
	})
	return out, err
}

// finalSurvivor follows the survivor of a merge through the merges that made them,
// and then those that survived them, a tombstone. It returns the last of these,
// nil if there is none, and the user who has everything now.
func (s *Service) finalSurvivor(ctx context.Context, m Merge) (last *Merge, holder identity.ID, err error) {
	holder = m.SurvivorID
	for at := &m; at != nil; { // merges form no cycle, so this ends
		later, err := s.store.LaterMerges(ctx, *at)
		if err != nil {
			return nil, holder, err
		}
		at = nil
		for _, l := range later {
			if l.SourceID == holder {
				at, last = &l, &l
			}
		}
		if at != nil {
			holder = at.SurvivorID
		}
	}
	return last, holder, nil
}

// sameTeamsSince refuses when a later merge into the same survivor is about one
// of the same teams: their role there came from both, and only the later merge
// knows what it was before.
func (s *Service) sameTeamsSince(ctx context.Context, m Merge) error {
	later, err := s.store.LaterMerges(ctx, m)
	if err != nil {
		return err
	}
	teams := teamsOf(m.Plan.Memberships, func(MovedMembership) bool { return true })
	for _, l := range slices.Backward(later) {
		for _, t := range l.Plan.Memberships {
			if slices.Contains(teams, t.TeamID) {
				return errUndoFirst(l)
			}
		}
	}
	return nil
}

func errUndoFirst(later Merge) error {
	return identity.NewError(identity.CodeMergeMovedOn,
		"a later merge depends on this one: undo the merge %s first, then this one", later.ID)
}

func pair(users []identity.User, sourceID identity.ID) (source, survivor identity.User) {
	for _, u := range users {
		if u.ID == sourceID {
			source = u
		} else {
			survivor = u
		}
	}
	return source, survivor
}

// sameAsLeft refuses, naming everything, unless what the merge moved still is
// where it put it.
func (s *Service) sameAsLeft(ctx context.Context, m Merge, source, survivor identity.User) error {
	var gone []string
	if source.MergedInto == nil || *source.MergedInto != survivor.ID || !survivor.Active() {
		gone = append(gone, "the account was disabled or became part of another")
	}
	if m.Plan.Source.Operator && !survivor.Operator {
		gone = append(gone, "the rights of an operator were taken away") // not to be had back
	}
	identities, err := s.store.IdentitiesOf(ctx, []identity.ID{survivor.ID})
	if err != nil {
		return err
	}
	have := map[identity.ID]bool{}
	for _, i := range identities {
		have[i.ID] = true
	}
	for _, i := range m.Plan.Identities {
		if !have[i.ID] {
			gone = append(gone, "the sign-in method "+name(i)+" was unlinked")
		}
		delete(have, i.ID)
	}
	var kept []identity.Identity
	for _, i := range identities {
		if have[i.ID] {
			kept = append(kept, i)
		}
		if have[i.ID] && i.Provider == identity.ProviderEmail && slices.Contains(m.Plan.Emails, i.Subject) {
			gone = append(gone, "the address "+i.Subject+" became a sign-in method")
		}
	}
	usable, err := s.anyUsable(ctx, kept)
	if err != nil {
		return err
	}
	if !usable {
		gone = append(gone, "every sign-in method that this account had before was unlinked")
	}
	if gone, err = s.addressesAndRoles(ctx, m, survivor, gone); err != nil {
		return err
	}
	if len(gone) > 0 {
		return identity.NewError(identity.CodeMergeMovedOn, "since the merge, %s", strings.Join(gone, "; "))
	}
	return nil
}

func (s *Service) addressesAndRoles(ctx context.Context, m Merge, survivor identity.User, gone []string) ([]string, error) {
	emails, err := s.store.EmailsOf(ctx, survivor.ID)
	if err != nil {
		return nil, err
	}
	owned := map[string]bool{}
	for _, e := range emails {
		owned[e] = true
	}
	live, err := s.store.LiveVouchers(ctx, survivor.ID)
	if err != nil {
		return nil, err
	}
	for _, e := range m.Plan.Emails {
		switch {
		case !owned[e]:
			gone = append(gone, "the address "+e+" was removed")
		case !slices.ContainsFunc(live, func(v identity.Voucher) bool { return v.Address == e && m.Plan.returns(v) }):
			gone = append(gone, "only this account still vouches for the address "+e)
		}
	}
	memberships, err := s.store.MembershipsOf(ctx, survivor.ID)
	if err != nil {
		return nil, err
	}
	places := map[identity.ID]team.Membership{}
	for _, t := range memberships {
		places[t.TeamID] = t.Membership
	}
	for _, t := range m.Plan.Memberships {
		if !t.standsIn(places[t.TeamID], m.ConfirmedAt) {
			gone = append(gone, "the membership in the team "+t.TeamName+" ended, was renewed or got another role")
		}
	}
	return gone, nil
}

// returns reports whether an undo gives a voucher back to the source: it moved,
// or an identity that moved has given it since.
func (p Plan) returns(v identity.Voucher) bool {
	return slices.Contains(p.Vouchers, v.ID) ||
		slices.ContainsFunc(p.Identities, func(i identity.Identity) bool { return v.By(i.Provider, i.Subject) })
}

// returning lists the addresses that go to the source: those that moved, and
// those that only its identities vouch for by now.
func (s *Service) returning(ctx context.Context, m Merge, addresses []string) ([]string, error) {
	live, err := s.store.LiveVouchers(ctx, m.SurvivorID)
	out := slices.Clone(m.Plan.Emails)
	for _, a := range addresses {
		theirs, own := false, false
		for _, v := range live {
			if v.Address == a && m.Plan.returns(v) {
				theirs = true
			} else if v.Address == a {
				own = true
			}
		}
		if theirs && !own && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out, err
}

func (s *Service) moveBack(ctx context.Context, m Merge, source, survivor identity.User, now time.Time) error {
	ids := make([]identity.ID, len(m.Plan.Identities))
	var wallet *identity.ID
	for i, one := range m.Plan.Identities {
		ids[i] = one.ID
		if one.IsPrimary {
			wallet = &one.ID
		}
	}
	source = withProfile(source, m.Plan.Source, now)
	source.Status, source.MergedInto = identity.StatusActive, nil
	addresses, err := s.store.EmailsOf(ctx, survivor.ID)
	if err != nil {
		return err
	}
	back, err := s.returning(ctx, m, addresses)
	if err != nil {
		return err
	}
	own := slices.DeleteFunc(addresses, func(a string) bool { return slices.Contains(back, a) })
	survivor = withProfile(survivor, m.Plan.back(profileOf(survivor), own), now)
	if source.PrimaryEmail == nil && len(back) > 0 {
		source.PrimaryEmail = &back[0] // gained since, by an identity that returns
	}
	waiting := source
	waiting.PrimaryEmail = nil // until its address is back
	all := teamsOf(m.Plan.Memberships, func(MovedMembership) bool { return true })
	steps := []func() error{
		func() error { return s.store.EndSessionsByIdentities(ctx, ids, "merge_undone", now) },
		func() error { return s.store.SetUser(ctx, survivor) },
		func() error { return s.store.SetUser(ctx, waiting) },
		func() error { return s.store.MoveIdentities(ctx, ids, source.ID) },
		func() error { return s.store.MoveEmails(ctx, back, source.ID) },
		func() error {
			return s.store.MoveVouchersBack(ctx, m.Plan.Vouchers, m.Plan.Identities, survivor.ID, source.ID)
		},
		// An address that was settled returns settled: who it belongs to has not been
		// put in doubt since.
		func() error { return s.store.MoveSettledBack(ctx, back, survivor.ID, source.ID) },
		func() error { return s.store.SetUser(ctx, source) },
		func() error { return s.returnMemberships(ctx, m.Plan.Memberships, source.ID, survivor.ID, now) },
		func() error { return s.store.MoveItemsBack(ctx, m) },
		func() error {
			if wallet == nil {
				return nil
			}
			return s.store.SetPrimaryWallet(ctx, source.ID, *wallet)
		},
		func() error { return s.restoreWallet(ctx, survivor.ID) },
		func() error {
			ownerless, err := s.store.CountOwnerless(ctx, all)
			if err == nil && ownerless > 0 {
				err = identity.NewError(identity.CodeMergeMovedOn, "a team would be left without an owner")
			}
			return err
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) returnMemberships(ctx context.Context, ms []MovedMembership, source, survivor identity.ID, now time.Time) error {
	alone := teamsOf(ms, func(m MovedMembership) bool { return m.Current == nil })
	if err := s.store.EndTeamSessionsIn(ctx, alone, survivor, "merge_undone", now); err != nil {
		return err
	}
	if err := s.store.MoveMemberships(ctx, alone, survivor, source); err != nil {
		return err
	}
	var back []team.Membership
	for _, m := range ms {
		if m.Current != nil {
			back = append(back, team.Membership{TeamID: m.TeamID, UserID: source, Role: m.Role, CreatedAt: m.CreatedAt, RoleSince: m.RoleSince})
		}
	}
	if err := s.store.InsertMemberships(ctx, back); err != nil {
		return err
	}
	for _, role := range []team.Role{team.RoleAdmin, team.RoleMember} {
		lowered := teamsOf(ms, func(m MovedMembership) bool { return m.Current != nil && *m.Current == role && m.Becomes != role })
		if err := s.store.SetRole(ctx, lowered, survivor, role); err != nil {
			return err
		}
	}
	return nil
}

// restoreWallet gives the survivor a primary wallet again if theirs was returned.
func (s *Service) restoreWallet(ctx context.Context, survivor identity.ID) error {
	has, err := s.store.HasPrimaryWallet(ctx, survivor)
	if err != nil || has {
		return err
	}
	identities, err := s.store.IdentitiesOf(ctx, []identity.ID{survivor})
	if err != nil {
		return err
	}
	for _, i := range identities {
		if i.WalletAddress != nil {
			return s.store.SetPrimaryWallet(ctx, survivor, i.ID)
		}
	}
	return nil
}

// back is the survivor's profile after an undo: what the merge changed becomes
// what it was, what the survivor changed since stays.
// own are the addresses that they keep.
func (p Plan) back(now Profile, own []string) Profile {
	if now.DisplayName == p.After.DisplayName {
		now.DisplayName = p.Before.DisplayName
	}
	if now.AvatarURL == p.After.AvatarURL {
		now.AvatarURL = p.Before.AvatarURL
	}
	if now.Operator == p.After.Operator {
		now.Operator = p.Before.Operator
	}
	if same(now.OnboardedAt, p.After.OnboardedAt) {
		now.OnboardedAt = p.Before.OnboardedAt
	}
	if reflect.DeepEqual(now.Metadata, p.After.Metadata) {
		now.Metadata = p.Before.Metadata
	}
	if now.PrimaryEmail != nil && !slices.Contains(own, *now.PrimaryEmail) { // it returns: another takes its place
		now.PrimaryEmail = nil
		if p.Before.PrimaryEmail != nil && slices.Contains(own, *p.Before.PrimaryEmail) {
			now.PrimaryEmail = p.Before.PrimaryEmail
		} else if len(own) > 0 {
			now.PrimaryEmail = &own[0]
		}
	}
	return now
}

func same(a, b *time.Time) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Equal(*b)
}

func teamsOf(ms []MovedMembership, keep func(MovedMembership) bool) []identity.ID {
	var out []identity.ID
	for _, m := range ms {
		if keep(m) {
			out = append(out, m.TeamID)
		}
	}
	return out
}
