package linking

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// TicketHolder is who redeems a merge ticket: the session it was given to, in the
// browser it was given to.
type TicketHolder struct {
	Principal   session.Principal
	BrowserHash []byte
	Origin      identity.RequestOrigin
}

// PreviewMerge shows what redeeming a merge ticket would do. It writes nothing.
// CodeOperatorMerge when one of the two is an operator, here and on confirming.
// CodeTicketInvalid when the ticket is unknown, used, expired, or of another
// session or browser.
func (s *Service) PreviewMerge(ctx context.Context, h TicketHolder, token string, w MergeChoices) (Preview, error) {
	var out Preview
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		t, err := s.store.TicketByToken(ctx, identity.HashSecret(token))
		if err != nil && !errors.Is(err, identity.ErrNotFound) {
			return err
		}
		if err != nil || !s.redeems(h, t) {
			return errTicketInvalid()
		}
		out, err = s.previewTicket(ctx, t, w)
		return err
	})
	return out, err
}

// MergeFor returns the preview of an open ticket of the holder, or a merge that
// they, or a user they were merged into since, survived. Other merges are
// identity.ErrNotFound.
func (s *Service) MergeFor(ctx context.Context, h TicketHolder, id identity.ID, w MergeChoices) (Preview, error) {
	var out Preview
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		m, err := s.store.MergeByID(ctx, id)
		if err == nil {
			_, holder, err := s.finalSurvivor(ctx, m)
			if err != nil {
				return err
			}
			if holder != h.Principal.User.ID {
				return identity.ErrNotFound
			}
			out, err = s.done(ctx, m)
			return err
		}
		if !errors.Is(err, identity.ErrNotFound) {
			return err
		}
		t, err := s.store.TicketByID(ctx, id)
		if err != nil {
			return err
		}
		if !s.redeems(h, t) {
			return identity.ErrNotFound
		}
		out, err = s.previewTicket(ctx, t, w)
		return err
	})
	return out, err
}

// ConfirmMerge redeems a ticket by its id: one transaction, both users locked in
// id order, a constant number of statements however many rows move. Every
// session of the source ends; the holder gets a new one, of the survivor.
// CodeReauthRequired unless recently verified. CodeMergeChanged when things are not as the
// preview of the given fingerprint showed them, or when a role in a shared team
// would rise and no preview is named.
func (s *Service) ConfirmMerge(ctx context.Context, h TicketHolder, id identity.ID, w MergeChoices) (Preview, Result, error) {
	var out Preview
	var result Result
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		t, err := s.store.TicketByID(ctx, id)
		if err != nil {
			return err
		}
		if !s.redeems(h, t) {
			return errTicketInvalid()
		}
		actor := h.Principal.Actor(s.now(), h.Origin)
		if err := actor.RequireRecentlyVerified(); err != nil {
			return err
		}
		if out, err = s.previewTicket(ctx, t, w); err != nil {
			return err
		}
		if err := requirePreviewed(out, w); err != nil {
			return err
		}
		if err := s.merge(ctx, &out, &actor.UserID, actor.Event(identity.ActionUserMerged, s.now())); err != nil {
			return err
		}
		result, err = s.continueAs(ctx, h, out)
		return err
	})
	return out, result, err
}

// AdminMerge merges two users for an operator or an API key, or with dryRun shows
// what it would do. A nil actor is the command line. CodeOperatorMerge and
// CodeForbidden for what the actor may not merge: see mayMerge.
func (s *Service) AdminMerge(ctx context.Context, actor *identity.Actor, a, b identity.ID, w MergeChoices, dryRun bool) (Preview, error) {
	var out Preview
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		if actor != nil && !dryRun {
			if err := actor.RequireRecentlyVerified(); err != nil {
				return err
			}
		}
		var err error
		if out, err = s.previewUsers(ctx, identity.NewID(), a, b, w); err != nil {
			return err
		}
		if err := s.mayMerge(ctx, actor, out, dryRun); err != nil || dryRun {
			return err
		}
		if w.Fingerprint != "" && w.Fingerprint != out.Fingerprint {
			return errMergeChanged()
		}
		event := identity.Event{ID: identity.NewID(), At: s.now(), Action: identity.ActionUserMerged}
		var by *identity.ID
		if actor != nil {
			event, by = actor.Event(identity.ActionUserMerged, s.now()), actor.By()
		}
		return s.merge(ctx, &out, by, event)
	})
	return out, err
}

// redeems reports whether the holder may redeem the ticket now.
func (s *Service) redeems(h TicketHolder, t Ticket) bool {
	return t.Redeemable(s.now()) && t.SessionID != nil && *t.SessionID == h.Principal.Session.ID &&
		t.HolderID != nil && *t.HolderID == h.Principal.User.ID && bytes.Equal(t.BrowserHash, h.BrowserHash)
}

// previewTicket previews the merge of a ticket, whose users are locked then. The
// proof is decided again: the ticket works only while the same proof still gives
// it, on the same ground.
func (s *Service) previewTicket(ctx context.Context, t Ticket, w MergeChoices) (Preview, error) {
	p, err := s.previewUsers(ctx, t.ID, *t.HolderID, t.OwnerID, w)
	if err == nil {
		err = p.requireNoOperator()
	}
	if err != nil {
		return p, err
	}
	proof := identity.Proof(t.Proof)
	proof.Purpose = identity.PurposeLink
	k, err := s.gather(ctx, Submission{Proof: proof, Current: &session.Principal{User: identity.User{ID: *t.HolderID}}})
	if err != nil {
		return p, err
	}
	k.facts.SignedIn.Recent = true // confirming asks for it, previewing does not
	d := Decide(k.facts)
	if d.Ticket != TicketMerge || d.User != t.OwnerID || t.Ground != "" && t.Ground != groundOf(d) {
		return p, errTicketInvalid()
	}
	if t, err = s.store.TicketByID(ctx, t.ID); err == nil && !t.Open(s.now()) {
		err = errTicketInvalid() // used up before its users were held
	}
	return p, err
}

func (s *Service) previewUsers(ctx context.Context, id, a, b identity.ID, w MergeChoices) (Preview, error) {
	users, err := s.store.LockUsers(ctx, a, b)
	if err != nil {
		return Preview{}, err
	}
	if len(users) != 2 {
		return Preview{}, identity.NewError(identity.CodeInvalidRequest, "a merge needs two different users that exist")
	}
	for _, u := range users {
		if !u.Active() {
			return Preview{}, identity.NewError(identity.CodeMergeRefused, "one of the two accounts is disabled or was already merged")
		}
	}
	// Roles are read under the locks that change them, after those of the users:
	// code that locks both uses this order.
	if err := s.store.LockTeamsOf(ctx, a, b); err != nil {
		return Preview{}, err
	}
	return s.preview(ctx, id, users[0], users[1], w)
}

// requirePreviewed refuses what the person has not seen.
func requirePreviewed(p Preview, w MergeChoices) error {
	if w.Fingerprint != "" {
		if w.Fingerprint != p.Fingerprint {
			return errMergeChanged()
		}
		return nil
	}
	for _, m := range p.Plan.Memberships {
		if m.Current != nil && *m.Current != m.Becomes {
			return errMergeChanged()
		}
	}
	return nil
}

// merge carries a preview out. Both users are locked.
func (s *Service) merge(ctx context.Context, p *Preview, by *identity.ID, event identity.Event) error {
	now := s.now()
	m := Merge{
		ID: p.ID, SourceID: p.Source.ID, SurvivorID: p.Survivor.ID, ActorID: by, Plan: p.Plan,
		ConfirmedAt: now, UndoUntil: now.Add(s.undoFor),
	}
	source, survivor := p.Source, withProfile(p.Survivor, p.Plan.After, now)
	source.Status, source.MergedInto, source.UpdatedAt = identity.StatusMerged, &survivor.ID, now
	source.PrimaryEmail, source.Operator = nil, false
	tombstone := source
	ids := make([]identity.ID, len(p.Plan.Identities))
	for i, one := range p.Plan.Identities {
		ids[i] = one.ID
	}
	origin := identity.RequestOrigin{IP: event.IP, UserAgent: event.UserAgent}
	steps := []func() error{
		func() error { return s.notify(ctx, identity.NoticeMerged, source.ID, mergeNotice(*p), origin) },
		func() error { return s.notify(ctx, identity.NoticeMerged, survivor.ID, mergeNotice(*p), origin) },
		func() error { return s.store.InsertMerge(ctx, m) },
		func() error { return s.store.RecordItems(ctx, m) },
		func() error { return s.store.SetUser(ctx, tombstone) }, // before its addresses go: they hold on to the primary one
		func() error { return s.store.MoveIdentities(ctx, ids, survivor.ID) },
		func() error { return s.store.MoveEmails(ctx, p.Plan.Emails, survivor.ID) },
		func() error { return s.store.MoveVouchers(ctx, source.ID, survivor.ID) },
		func() error { return s.moveMemberships(ctx, p.Plan.Memberships, source.ID, survivor.ID) },
		func() error { return s.store.MoveItems(ctx, m, now) },
		func() error { return s.store.KillTickets(ctx, source.ID, now) },
		// Applications ask the survivor: they may have agreed to less.
		func() error { return s.store.RevokeGrantsOf(ctx, source.ID, now) },
		func() error { return s.store.DeleteRecoveryCodes(ctx, source.ID) },
		func() error { return s.store.SetUser(ctx, survivor) },
		func() error { return s.promoteWallet(ctx, survivor.ID, p.Plan.Identities) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	event.UserID = &survivor.ID
	event.Data = identity.Metadata{
		"merge_id": m.ID, "from": source.ID, "into": survivor.ID, "identities": len(ids), "emails": p.Plan.Emails,
		"gains": p.Gains, "fingerprint": p.Fingerprint,
	}
	p.Survivor, p.Source, p.Merge = survivor, tombstone, &m
	return s.store.RecordEvents(ctx, event)
}

func (s *Service) moveMemberships(ctx context.Context, ms []MovedMembership, source, survivor identity.ID) error {
	var alone, shared []identity.ID
	raised := map[team.Role][]identity.ID{}
	for _, m := range ms {
		if m.Current == nil {
			alone = append(alone, m.TeamID)
			continue
		}
		shared = append(shared, m.TeamID)
		if m.Becomes != *m.Current {
			raised[m.Becomes] = append(raised[m.Becomes], m.TeamID)
		}
	}
	if err := s.store.MoveMemberships(ctx, alone, source, survivor); err != nil {
		return err
	}
	if err := s.store.DeleteMemberships(ctx, shared, source); err != nil {
		return err
	}
	for _, role := range []team.Role{team.RoleOwner, team.RoleAdmin} {
		if err := s.store.SetRole(ctx, raised[role], survivor, role); err != nil {
			return err
		}
	}
	return nil
}

// promoteWallet makes the source's primary wallet the survivor's, if they had none.
func (s *Service) promoteWallet(ctx context.Context, survivor identity.ID, moved []identity.Identity) error {
	has, err := s.store.HasPrimaryWallet(ctx, survivor)
	if err != nil || has {
		return err
	}
	for _, i := range moved {
		if i.IsPrimary {
			return s.store.SetPrimaryWallet(ctx, survivor, i.ID)
		}
	}
	return nil
}

// continueAs gives the holder a session of the survivor: their own, rotated, or a
// new one if they held the source's, which has ended.
func (s *Service) continueAs(ctx context.Context, h TicketHolder, p Preview) (Result, error) {
	r := Result{Outcome: OutcomeSignedIn, User: p.Survivor}
	var err error
	if h.Principal.User.ID == p.Survivor.ID {
		r.Session, r.Token, err = s.sessions.Renew(ctx, h.Principal.Session, nil, false)
		return r, err
	}
	via := p.Plan.Identities[0] // where a recovery code made the session, any will do
	for _, i := range p.Plan.Identities {
		if h.Principal.Session.IdentityID != nil && i.ID == *h.Principal.Session.IdentityID {
			via = i
		}
	}
	via.UserID = p.Survivor.ID
	r.Session, r.Token, err = s.sessions.Issue(ctx, via, h.Origin, nil)
	return r, err
}

func withProfile(u identity.User, p Profile, now time.Time) identity.User {
	u.DisplayName, u.AvatarURL, u.PrimaryEmail = p.DisplayName, p.AvatarURL, p.PrimaryEmail
	u.Operator, u.OnboardedAt, u.Metadata, u.UpdatedAt = p.Operator, p.OnboardedAt, p.Metadata.Raw(), now
	return u
}

func errTicketInvalid() error {
	return identity.NewError(identity.CodeTicketInvalid,
		"this ticket was used, has expired, or belongs to another browser or session: sign in to the other account again")
}

func errMergeChanged() error {
	return identity.NewError(identity.CodeMergeChanged,
		"the preview has changed, or shows a role that rises: look at it again and confirm it with its fingerprint")
}

// Merges lists merges, of one user or of all, newest first, for operators.
func (s *Service) Merges(ctx context.Context, user *identity.ID, p identity.Page) ([]Merge, *identity.ID, error) {
	rows, err := s.store.Merges(ctx, user, p)
	rows, next := identity.Next(rows, p, func(m Merge) identity.ID { return m.ID })
	return rows, next, err
}
