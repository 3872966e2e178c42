package linking_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/linking"
	"github.com/latchkey/latchkey/storage/storagetest"
)

// human is someone at a keyboard, with a browser, accounts at providers, a wallet
// and mailboxes of their own.
type human string

const (
	honest   human = "ada"
	friend   human = "bob"
	attacker human = "eve"
)

var humans = []human{honest, friend, attacker}

// entry is a line of the diary: what someone proved, and what owners did. It is all
// that the truth is made of; nothing in it is read from the service.
type entry struct {
	what    string      // "proof", "unlink", "remove" or "settle"
	by      string      // the identity, as key has it
	address string      // that the proof vouched for, or that was removed or settled
	said    bool        // the provider said something about addresses
	linked  bool        // the identity was added, or linked once more
	account identity.ID // zero: the proof was refused
}

// siege is a history in which an attacker tries everything, between what others do.
type siege struct {
	*world
	t        *testing.T
	r        *rapid.T
	policy   linking.Policy
	prefix   string
	sessions *session.Service
	teams    *team.Service

	corp    human // who runs the domain at which two others have mailboxes
	diary   []entry
	home    map[string]identity.ID // of an identity: the account that it was linked to
	into    map[identity.ID]identity.ID
	people  map[identity.ID]map[human]bool // who got into an account, rightly
	devices []*device
	tickets []loot
	merges  []identity.ID
	team    identity.ID
	members map[human]bool
	invited []letter
}

type device struct {
	who   human
	token string
}

// loot is a ticket that a refusal gave, for anyone to try.
type loot struct {
	who         human
	token, kind string
	proof       identity.Proof
}

type letter struct {
	id      identity.ID
	address string
}

// TestAnAttackerGetsNothing lets an attacker act among honest people. The attacker
// has accounts at every provider, mailboxes, a wallet, at times a domain that was
// others' and is theirs again later, and every ticket that was ever given to
// anyone. They must never end in an account, hold an identity or an address, or be
// in a team, that the rules of docs/linking.md do not give them for what they have
// proven. What that is, is read from a diary of proofs and of nothing else.
func TestAnAttackerGetsNothing(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		n := 0
		rapid.Check(t, func(r *rapid.T) {
			n++
			s := &siege{
				t: t, r: r, policy: pick(r, "policy", []linking.Policy{linking.PolicyAuto, linking.PolicyAuto, linking.PolicyConfirm, linking.PolicyOff}),
				prefix: fmt.Sprintf("w%d-", n), home: map[string]identity.ID{}, into: map[identity.ID]identity.ID{},
				people: map[identity.ID]map[human]bool{}, members: map[human]bool{honest: true}, corp: honest,
			}
			s.world = newWorld(d, s.policy)
			s.sessions = session.NewService(d.DB, nil, session.Limits{Idle: 1000 * time.Hour, Lifetime: 2000 * time.Hour}, d.Clock.Now)
			s.teams = team.NewService(d.DB, d.Clock.Now)
			s.begin()
			for range 25 {
				d.Clock.Advance(time.Microsecond)
				s.step()
				s.check()
			}
		})
	})
}

// begin gives everyone an account, and the honest one a team.
func (s *siege) begin() {
	for _, h := range humans {
		s.apply(h, s.account(h, identity.PurposeSignIn, "google", 1, s.address(h, "home"), true), nil, "")
	}
	by := s.on(honest)
	mine, err := s.teams.Create(s.t.Context(), by.Actor(s.Clock.Now(), identity.RequestOrigin{}), "Keys")
	if err != nil {
		s.r.Fatal(err)
	}
	s.team = mine.ID
}

func (s *siege) step() {
	if between(s.r, "world", 0, 9) == 0 {
		s.corp = pick(s.r, "domain", []human{honest, attacker})
		return
	}
	who := pick(s.r, "who", []human{attacker, attacker, attacker, honest, honest, friend})
	acts := map[string]func(human){
		"prove": s.prove, "merge": s.merge, "accept link": s.acceptLink, "undo": s.undo, "unlink": s.unlink, "remove": s.remove,
		"settle": s.settle, "invite": s.invite, "join": s.join, "wait": func(human) { s.Clock.Advance(session.RecentlyVerifiedFor) },
	}
	acts[pick(s.r, "act", []string{
		"prove", "prove", "prove", "prove", "prove", "prove", "prove", "prove", "merge", "merge", "accept link", "accept link",
		"undo", "unlink", "remove", "settle", "invite", "join", "join", "wait",
	})](who)
}

// address is a mailbox of someone: at home it is theirs for good, at corp it
// belongs to the owner of the domain.
func (s *siege) address(h human, at string) string {
	return s.prefix + string(h) + "@" + at + ".example"
}

func (s *siege) controls(h human, address string) bool {
	if strings.HasSuffix(address, "@corp.example") {
		if s.corp == attacker {
			return h == attacker
		}
	}
	return strings.HasPrefix(address, s.prefix+string(h)+"@")
}

// account is a proof by one of someone's accounts at a provider, which shows an
// address.
func (s *siege) account(h human, purpose identity.Purpose, provider string, n int, address string, vouches bool) identity.Proof {
	p := s.proof(purpose, provider, fmt.Sprintf("%s%s%d", s.prefix, h, n))
	p.Email, p.EmailAuthoritative, p.Reported = address, vouches, true
	return p
}

// anyProof is a proof that someone can make: an address is vouched for only while
// it is in their hands.
func (s *siege) anyProof(h human, purpose identity.Purpose) (identity.Proof, bool) {
	owner, at := pick(s.r, "address of", humans), pick(s.r, "address at", []string{"home", "corp"})
	address := s.address(owner, at)
	switch provider := pick(s.r, "provider", []string{"google", "google", "github", "siwe", "email"}); provider {
	case "siwe":
		p := s.proof(purpose, provider, s.prefix+string(h))
		wallet(&p)
		return p, true
	case "email":
		p := s.proof(purpose, provider, address, vouched(address))
		return p, s.controls(h, address)
	default:
		p := s.account(h, purpose, provider, between(s.r, "account", 1, 2), address, s.controls(h, address))
		if between(s.r, "silent", 0, 4) == 0 {
			p.Email, p.EmailAuthoritative, p.Reported = "", false, false
		}
		return p, true
	}
}

func (s *siege) browserOf(h human) []byte { return identity.HashSecret(string(h) + "'s browser") }

// on draws the current principal of one of someone's devices; nil if there is none.
func (s *siege) on(h human) *session.Principal {
	_, p := s.device(h)
	return p
}

func (s *siege) device(h human) (*device, *session.Principal) {
	mine := slices.DeleteFunc(slices.Clone(s.devices), func(d *device) bool { return d.who != h })
	if len(mine) == 0 {
		return nil, nil
	}
	d := pick(s.r, "device", mine)
	p, err := s.sessions.Authenticate(s.t.Context(), d.token, identity.RequestOrigin{})
	if err != nil {
		return d, nil
	}
	return d, &p
}

// now is the account that has become of one.
func (s *siege) now(id identity.ID) identity.ID {
	for {
		next, merged := s.into[id]
		if !merged {
			return id
		}
		id = next
	}
}

func (s *siege) isIn(h human, id identity.ID) bool { return s.people[s.now(id)][h] }

func (s *siege) letIn(h human, id identity.ID) {
	id = s.now(id)
	if s.people[id] == nil {
		s.people[id] = map[human]bool{}
	}
	s.people[id][h] = true
}

// opens is what the rules say of a proof: whether it opens an account.
func (s *siege) opens(p identity.Proof, id identity.ID) bool {
	k, id := key(p), s.now(id)
	if home, linked := s.home[k]; linked {
		alone := p.Provider == identity.ProviderEmail && s.contested(p, id) && s.identities(id) > 1
		return s.now(home) == id && !alone
	}
	return s.policy == linking.PolicyAuto && p.VerifiedEmail() != "" && s.owns(id, p.Email) && !s.contested(p, id) && !s.unlinked(k, id)
}

func (s *siege) identities(id identity.ID) (n int) {
	for _, home := range s.home {
		if s.now(home) == id {
			n++
		}
	}
	return n
}

// owns reports whether an identity of the account last said that the address is
// its own, and the account has not removed the address since.
func (s *siege) owns(id identity.ID, address string) bool {
	removed := -1
	for n, e := range s.diary {
		if e.what == "remove" && e.address == address && s.now(e.account) == id {
			removed = n
		}
	}
	for k, home := range s.home {
		if s.now(home) != id {
			continue
		}
		last, brought := entry{}, -1
		for n, e := range s.diary {
			switch {
			case e.by != k:
			case e.what == "unlink":
				last, brought = entry{}, -1
			case e.what == "proof" && e.account != identity.ID{} && e.said:
				last = e
				if e.linked && e.address == address {
					brought = n
				}
			}
		}
		if last.address == address && (removed < 0 || brought > removed) {
			return true
		}
	}
	return false
}

// contested reports whether the diary has anyone else with the address.
func (s *siege) contested(p identity.Proof, id identity.ID) bool {
	k := key(p)
	for n, e := range s.diary {
		if e.what != "proof" || e.address != p.Email {
			continue
		}
		provider, _, _ := strings.Cut(e.by, " ")
		refused := e.account == identity.ID{}
		switch {
		case provider == p.Provider && e.by != k:
			return true
		case !refused && s.now(e.account) == id, refused && (e.by == k || s.acceptedSince(n)), s.settledSince(n, id):
		default:
			return true
		}
	}
	return false
}

// acceptedSince reports whether the identity of a refused proof was let in later,
// with the same address: then that is what counts.
func (s *siege) acceptedSince(n int) bool {
	return slices.ContainsFunc(s.diary[n+1:], func(e entry) bool {
		return e.what == "proof" && e.by == s.diary[n].by && e.address == s.diary[n].address && e.account != identity.ID{}
	})
}

// settledSince reports whether the account said that the address is its own after the
// first such entry of the same identity. By mail it is the first that let the identity
// into the same account, and each that was refused counts.
func (s *siege) settledSince(n int, id identity.ID) bool {
	of := s.diary[n]
	provider, _, _ := strings.Cut(of.by, " ")
	if byMail := provider == identity.ProviderEmail; !byMail || of.account != (identity.ID{}) {
		n = slices.IndexFunc(s.diary, func(e entry) bool {
			return e.what == "proof" && e.by == of.by && e.address == of.address && (!byMail || e.account == of.account)
		})
	}
	return slices.ContainsFunc(s.diary[n+1:], func(e entry) bool {
		return e.what == "settle" && e.address == of.address && s.now(e.account) == id
	})
}

// unlinked reports whether the account unlinked the identity, and has not linked it
// since.
func (s *siege) unlinked(k string, id identity.ID) bool {
	out := false
	for _, e := range s.diary {
		if e.by == k && (e.account != identity.ID{}) && s.now(e.account) == id {
			out = e.what == "unlink" || out && (e.what != "proof" || !e.linked)
		}
	}
	return out
}

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

// check looks at everything that anyone has.
func (s *siege) check() {
	for _, d := range s.devices {
		if p, err := s.sessions.Authenticate(s.t.Context(), d.token, identity.RequestOrigin{}); err == nil && !s.isIn(d.who, p.User.ID) {
			s.r.Fatalf("%s has a session of %v", d.who, s.people[s.now(p.User.ID)])
		}
	}
	rows := s.query(fmt.Sprintf(`
		SELECT 'identity', provider || ' ' || subject || ' ' || CAST(user_id AS text) FROM identities WHERE subject LIKE '%[1]s%%'
		UNION ALL SELECT 'address', address || ' ' || CAST(user_id AS text) FROM emails WHERE address LIKE '%[1]s%%'
		UNION ALL SELECT 'member', CAST(user_id AS text) FROM memberships WHERE team_id = '%[2]s'`, s.prefix, s.team))
	for _, row := range rows {
		words := strings.Fields(row[1])
		id, err := uuid.Parse(words[len(words)-1])
		if err != nil {
			s.r.Fatal(err)
		}
		in := s.people[s.now(id)]
		switch row[0] {
		case "identity":
			k := words[0] + " " + words[1]
			if home, linked := s.home[k]; !linked || s.now(home) != id {
				s.r.Fatalf("%s is of %s, and was linked to %s", k, id, home)
			}
			who := human(strings.TrimRight(strings.TrimPrefix(words[1], s.prefix), "12"))
			if words[0] != identity.ProviderEmail && !in[who] {
				s.r.Fatalf("%s of %s is in the hands of %v:\n%s", k, who, in, s.story())
			}
		case "address":
			if !s.owns(id, words[0]) {
				s.r.Fatalf("%s is in the hands of %v, for nothing:\n%s", words[0], in, s.story())
			}
		case "member":
			if !slices.ContainsFunc(humans, func(h human) bool { return in[h] && s.members[h] }) {
				s.r.Fatalf("%v are in the team of %v", in, s.members)
			}
		}
	}
}

func (s *siege) query(query string) [][2]string {
	h := history{world: s.world, t: s.t, r: s.r}
	return h.query(query)
}

// story is the diary, for who reads a failure.
func (s *siege) story() string {
	var out strings.Builder
	for _, e := range s.diary {
		fmt.Fprintf(&out, "  %+v\n", e)
	}
	return out.String()
}
