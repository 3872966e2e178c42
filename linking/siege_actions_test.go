package linking_test

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/linking"
)

func (s *siege) prove(h human) {
	purpose := pick(s.r, "purpose", []identity.Purpose{identity.PurposeSignIn, identity.PurposeSignIn, identity.PurposeLink, identity.PurposeLink, identity.PurposeStepUp})
	p, can := s.anyProof(h, purpose)
	if !can {
		return
	}
	if !purpose.NeedsSession() {
		ticket := ""
		if len(s.tickets) > 0 && rapid.Bool().Draw(s.r, "for a ticket") {
			ticket = pick(s.r, "ticket", s.tickets).token
		}
		s.apply(h, p, nil, ticket)
		return
	}
	d, current := s.device(h)
	if current == nil {
		return
	}
	if token := s.apply(h, p, current, ""); token != "" {
		d.token = token
	}
}

// apply has someone's proof judged, and holds what it leads to against the rules.
func (s *siege) apply(h human, p identity.Proof, current *session.Principal, ticket string) (token string) {
	a := linking.Submission{Proof: p, Current: current, BrowserHash: s.browserOf(h), LinkTicket: ticket}
	a.WithoutAddress = p.Purpose == identity.PurposeSignIn && p.Provider != identity.ProviderEmail && len(s.devices) >= len(humans) && between(s.r, "without address", 0, 9) == 0
	k := key(p)
	home, linked := s.home[k]
	got, err := s.service.Apply(s.t.Context(), a)
	var refusal *identity.Error
	if errors.As(err, &refusal) {
		if refusal.Ticket != "" {
			s.tickets = append(s.tickets, loot{who: h, token: refusal.Ticket, kind: refusal.TicketKind, proof: p})
		}
		if !linked && p.VerifiedEmail() != "" && !a.WithoutAddress && refusal.Code != identity.CodeReauthRequired {
			s.diary = append(s.diary, entry{what: "proof", by: k, address: p.VerifiedEmail(), said: true})
		}
		return ""
	}
	if err != nil {
		s.r.Fatal(err)
	}
	id := got.User.ID
	_, known := s.people[s.now(id)]
	switch {
	case got.Outcome == linking.OutcomeCreated && (known || linked):
		s.r.Fatalf("%s has made the account %s, which is there", h, id)
	case got.Outcome == linking.OutcomeCreated:
	case current != nil && (id != current.User.ID || !s.isIn(h, id)):
		s.r.Fatalf("%s acts on the account %s by %s %s", h, id, p.Purpose, k)
	case current != nil && linked && s.now(home) != s.now(id):
		s.r.Fatalf("%s has taken %s from the account %s", h, k, home)
	case current == nil && (a.WithoutAddress && !linked || !s.opens(p, id)):
		s.r.Fatalf("%s is in the account %s of %v by %s, which vouches for %q, under %s:\n%s", h, id, s.people[s.now(id)], k, p.VerifiedEmail(), s.policy, s.story())
	}
	s.letIn(h, id)
	s.note(p, id)
	if current == nil {
		s.devices = append(s.devices, &device{who: h, token: got.Token})
	}
	return got.Token
}

// note keeps a proof that was let in.
func (s *siege) note(p identity.Proof, id identity.ID) {
	k := key(p)
	_, linked := s.home[k]
	if !linked {
		s.home[k] = id
	}
	s.diary = append(s.diary, entry{
		what: "proof", by: k, address: p.VerifiedEmail(), said: p.Reported, linked: !linked || p.Purpose == identity.PurposeLink, account: s.home[k],
	})
	if p.Purpose == identity.PurposeLink && s.has(id, p.VerifiedEmail()) {
		s.diary = append(s.diary, entry{what: "settle", address: p.VerifiedEmail(), account: id})
	}
}

// has reports whether an address is the account's, as the service has it: what the
// rules say of linking is said to whose it is.
func (s *siege) has(id identity.ID, address string) bool {
	return slices.Contains(s.addresses(s.t, id), address)
}

func (s *siege) holderOf(h human, p *session.Principal) linking.TicketHolder {
	return linking.TicketHolder{Principal: *p, BrowserHash: s.browserOf(h)}
}

// merge tries a merge ticket: an honest person their own, an attacker any.
func (s *siege) merge(h human) {
	tickets := slices.DeleteFunc(slices.Clone(s.tickets), func(t loot) bool { return t.kind != "merge" || h != attacker && t.who != h })
	d, p := s.device(h)
	if p == nil || len(tickets) == 0 {
		return
	}
	t := pick(s.r, "ticket", tickets)
	var wishes linking.MergeChoices
	preview, err := s.service.PreviewMerge(s.t.Context(), s.holderOf(h, p), t.token, wishes)
	if err != nil {
		return
	}
	if rapid.Bool().Draw(s.r, "the other survives") {
		wishes.Survivor = &preview.Source.ID
		if preview, err = s.service.PreviewMerge(s.t.Context(), s.holderOf(h, p), t.token, wishes); err != nil {
			s.r.Fatal(err)
		}
	}
	wishes.Fingerprint = preview.Fingerprint
	other := preview.Source.ID
	if other == p.User.ID {
		other = preview.Survivor.ID
	}
	proven := t.proof
	proven.Purpose = identity.PurposeSignIn
	allowed := t.who == h && s.isIn(h, p.User.ID) && s.opens(proven, other)
	done, result, err := s.service.ConfirmMerge(s.t.Context(), s.holderOf(h, p), preview.ID, wishes)
	if err != nil {
		return
	}
	if !allowed {
		s.r.Fatalf("%s has merged %s with %s of %v by a proof of %s for %s:\n%s", h, p.User.ID, other, s.people[other], t.who, key(t.proof), s.story())
	}
	s.into[done.Source.ID] = done.Survivor.ID
	for _, side := range []identity.ID{done.Source.ID, done.Survivor.ID} {
		for who := range s.people[side] {
			s.letIn(who, done.Survivor.ID)
		}
	}
	s.merges = append(s.merges, done.ID)
	d.token = result.Token
}

// acceptLink accepts what asks to be linked: an honest person what they proved
// themselves, an attacker whatever they can.
func (s *siege) acceptLink(h human) {
	_, p := s.device(h)
	tickets := slices.DeleteFunc(slices.Clone(s.tickets), func(t loot) bool { return t.kind != "link" || h != attacker && t.who != h })
	if p == nil || len(tickets) == 0 {
		return
	}
	t := pick(s.r, "ticket", tickets)
	stored, err := s.TicketByToken(s.t.Context(), identity.HashSecret(t.token))
	if err != nil {
		return
	}
	home, linked := s.home[key(t.proof)]
	if _, err := s.service.RedeemLink(s.t.Context(), s.holderOf(h, p), stored.ID); err != nil {
		return
	}
	id := p.User.ID
	if t.who != h || !s.isIn(h, id) || linked && s.now(home) != s.now(id) {
		s.r.Fatalf("%s has linked %s of %s to the account %s:\n%s", h, key(t.proof), t.who, id, s.story())
	}
	if linked { // a contested mailbox
		s.diary = append(s.diary, entry{what: "settle", address: t.proof.VerifiedEmail(), account: id})
		return
	}
	proof := t.proof
	proof.Purpose = identity.PurposeLink
	s.note(proof, id)
}

func (s *siege) undo(h human) {
	_, p := s.device(h)
	if p == nil || len(s.merges) == 0 {
		return
	}
	id := pick(s.r, "merge", s.merges)
	undone, err := s.service.UndoMerge(s.t.Context(), p.Actor(s.Clock.Now(), identity.RequestOrigin{}), id, false)
	if err != nil {
		return
	}
	if !s.isIn(h, undone.Survivor.ID) {
		s.r.Fatalf("%s has undone a merge of %v", h, s.people[undone.Survivor.ID])
	}
	delete(s.into, undone.Source.ID)
}

// unlink unlinks an identity of one's own, or tries any.
func (s *siege) unlink(h human) {
	_, p := s.device(h)
	if p == nil {
		return
	}
	keys := slices.Sorted(maps.Keys(s.home))
	if h != attacker {
		keys = slices.DeleteFunc(keys, func(k string) bool { return s.now(s.home[k]) != p.User.ID })
	}
	if len(keys) == 0 {
		return
	}
	k := pick(s.r, "identity", keys)
	provider, subject, _ := strings.Cut(k, " ")
	i, _, err := s.IdentityOwner(s.t.Context(), provider, subject)
	if err != nil {
		s.r.Fatalf("%s: %v", k, err)
	}
	if err := s.service.Unlink(s.t.Context(), p.Actor(s.Clock.Now(), identity.RequestOrigin{}), i.ID); err != nil {
		return
	}
	if s.now(s.home[k]) != s.now(p.User.ID) || !s.isIn(h, p.User.ID) {
		s.r.Fatalf("%s has unlinked %s of %v", h, k, s.people[s.now(s.home[k])])
	}
	s.forget(k, p.User.ID)
}

func (s *siege) forget(k string, id identity.ID) {
	delete(s.home, k)
	s.diary = append(s.diary, entry{what: "unlink", by: k, account: id})
}

func (s *siege) anAddress() string {
	return s.address(pick(s.r, "address of", humans), pick(s.r, "address at", []string{"home", "corp"}))
}

func (s *siege) remove(h human) {
	_, p := s.device(h)
	address := s.anAddress()
	if p == nil || s.service.RemoveEmail(s.t.Context(), p.Actor(s.Clock.Now(), identity.RequestOrigin{}), p.User.ID, address, "") != nil {
		return
	}
	s.diary = append(s.diary, entry{what: "remove", address: address, account: p.User.ID})
	if k := "email " + address; s.now(s.home[k]) == p.User.ID {
		s.forget(k, p.User.ID)
	}
}

// settle says that an address is still one's own. Honest people say so only of
// what is in their hands.
func (s *siege) settle(h human) {
	_, p := s.device(h)
	address := s.anAddress()
	if p == nil || h != attacker && !s.controls(h, address) {
		return
	}
	if s.service.SettleEmail(s.t.Context(), p.Actor(s.Clock.Now(), identity.RequestOrigin{}), address) == nil {
		s.diary = append(s.diary, entry{what: "settle", address: address, account: p.User.ID})
	}
}

// invite invites the honest person's friend.
func (s *siege) invite(h human) {
	p := s.on(honest)
	if h != honest || p == nil {
		return
	}
	address := s.address(friend, pick(s.r, "address at", []string{"home", "corp"}))
	i, err := s.teams.Invite(s.t.Context(), p.Actor(s.Clock.Now(), identity.RequestOrigin{}), s.team, team.Target{Email: &address}, team.RoleMember)
	if err == nil {
		s.invited = append(s.invited, letter{i.ID, address})
	}
}

// join accepts an invitation that anyone has heard of.
func (s *siege) join(h human) {
	p := s.on(h)
	if p == nil || len(s.invited) == 0 {
		return
	}
	i := pick(s.r, "invitation", s.invited)
	if _, err := s.teams.Accept(s.t.Context(), p.Actor(s.Clock.Now(), identity.RequestOrigin{}), i.id); err != nil {
		return
	}
	if !s.owns(s.now(p.User.ID), i.address) {
		s.r.Fatalf("%s has joined by an invitation to %s:\n%s", h, i.address, s.story())
	}
	for who := range s.people[s.now(p.User.ID)] {
		s.members[who] = true
	}
}
