package linking_test

import (
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/linking"
)

// model is who owns what, kept by the rules as a person would tell them.
type model struct {
	policy    linking.Policy
	ways      map[string]*way // by "provider subject"
	addresses map[string]identity.ID
	vouchers  []*voucher               // never deleted, except those without a user when they are accepted
	unlinked  map[string][]identity.ID // who unlinked it, by "provider subject"
	people    map[identity.ID]*person
	order     []identity.ID                             // of people, as they came
	teams     map[identity.ID]map[identity.ID]placement // that are not deleted
	invited   []*invitation
	merges    []*merged
	tickets   []*ticket
	held      []*held
}

// way is an identity. shown is the address it showed last.
type way struct {
	id, owner identity.ID
	shown     string
}

// voucher is what an identity said of an address; user is zero for a refused proof.
type voucher struct {
	address, by string // by "provider subject"
	user        identity.ID
	ended       bool
	removed     bool
	settledBy   identity.ID
}

type person struct {
	disabled, operator bool
	into               *identity.ID
}

// placement is a place in a team; serial tells one from a later one, and from the
// same one with a role that was changed.
type placement struct {
	role   team.Role
	serial int
}

type invitation struct {
	id, team, by  identity.ID
	email, wallet string
	role          team.Role
	expires       time.Time
	closed        bool
}

// held is a session that somebody has the token of.
type held struct {
	token string
	id    identity.ID // of the session
	user  identity.ID
	via   identity.ID // the identity that created it
	ended bool
	found bool // to be ended
}

// ticket is one that a refusal gave.
type ticket struct {
	token   string
	kind    string
	owner   identity.ID
	holder  *held // link: who signed in for it
	browser int
	ground  string
	proof   identity.Proof
	expires time.Time
	used    bool
}

func newModel(policy linking.Policy) *model {
	return &model{
		policy: policy, ways: map[string]*way{}, addresses: map[string]identity.ID{}, people: map[identity.ID]*person{},
		unlinked: map[string][]identity.ID{},
		teams:    map[identity.ID]map[identity.ID]placement{},
	}
}

func key(p identity.Proof) string { return p.Provider + " " + p.Subject }

func (m *model) active(id identity.ID) bool {
	p := m.people[id]
	return !p.disabled && p.into == nil
}

// expect says what a proof leads to: a code, or the user it is for. The zero id
// means a new one. ticket is what a refusal gives.
func (m *model) expect(p identity.Proof, current *session.Principal, now time.Time) (user identity.ID, code identity.Code, ticket string) {
	w, owned := m.ways[key(p)]
	holder, isHeld := identity.ID{}, false
	if p.EmailAuthoritative {
		holder, isHeld = m.addresses[p.Email]
	}
	if p.Purpose == identity.PurposeSignIn {
		switch {
		case owned && !m.active(w.owner):
			return w.owner, identity.CodeUserDisabled, ""
		case owned && m.mailboxAlone(p, w.owner):
			return w.owner, identity.CodeEmailTaken, "link"
		case owned:
			return w.owner, "", ""
		case !isHeld:
			return identity.ID{}, "", ""
		}
		opens, ticket := m.opens(p, holder)
		if opens {
			return holder, "", ""
		}
		return holder, identity.CodeEmailTaken, ticket
	}
	me := current.User.ID
	switch {
	case owned && w.owner == me:
		return me, "", ""
	case p.Purpose == identity.PurposeStepUp:
		return me, identity.CodeIdentityMismatch, ""
	case owned && m.active(w.owner) && m.mailboxAlone(p, w.owner):
		return w.owner, identity.CodeIdentityTaken, "link"
	case owned && m.active(w.owner):
		return w.owner, identity.CodeIdentityTaken, "merge"
	case owned:
		return w.owner, identity.CodeIdentityTaken, ""
	case now.Sub(current.Session.AuthenticatedAt) >= 10*time.Minute:
		return me, identity.CodeReauthRequired, ""
	case isHeld && holder != me:
		opens, ticket := m.opens(p, holder)
		if opens {
			ticket = "merge"
		}
		return holder, identity.CodeEmailTaken, ticket
	}
	return me, "", ""
}

// opens reports whether a new identity opens the owner of its address.
func (m *model) opens(p identity.Proof, owner identity.ID) (opens bool, ticket string) {
	before := false
	for _, u := range m.unlinked[key(p)] {
		before = before || m.survivor(u) == owner
	}
	switch {
	case !m.active(owner) || m.policy == linking.PolicyOff:
		return false, ""
	case before || m.contested(p, owner) || m.policy == linking.PolicyConfirm:
		return false, "link"
	}
	return true, ""
}

// contested reports whether anything ever said of the address speaks against its
// owner.
func (m *model) contested(p identity.Proof, owner identity.ID) bool {
	for _, v := range m.vouchers {
		provider, _, _ := strings.Cut(v.by, " ")
		switch {
		case v.address != p.Email:
		case provider == p.Provider && v.by != key(p):
			return true
		case v.user == identity.ID{} && v.by == key(p), v.user == owner, v.settledBy == owner:
		default:
			return true
		}
	}
	return false
}

// mailboxAlone reports whether a mailbox does not open its owner by itself.
func (m *model) mailboxAlone(p identity.Proof, owner identity.ID) bool {
	return p.Provider == identity.ProviderEmail && m.contested(p, owner) && len(m.waysOf(owner)) > 1
}

// refuse keeps a refused proof.
func (m *model) refuse(p identity.Proof, code identity.Code) {
	if !p.EmailAuthoritative || m.ways[key(p)] != nil || code == identity.CodeReauthRequired {
		return
	}
	for _, v := range m.vouchers {
		if v.address == p.Email && v.by == key(p) && v.user == (identity.ID{}) {
			if p.Provider == identity.ProviderEmail {
				v.settledBy = identity.ID{}
			}
			return
		}
	}
	m.vouchers = append(m.vouchers, &voucher{address: p.Email, by: key(p), settledBy: m.settledBefore(p)})
}

// settledBefore is who settled last what the same account of a provider said of the
// address, while someone has it.
func (m *model) settledBefore(p identity.Proof) (by identity.ID) {
	if _, held := m.addresses[p.Email]; !held {
		return by
	}
	for _, v := range m.vouchers {
		if v.address == p.Email && v.by == key(p) && v.settledBy != (identity.ID{}) && p.Provider != identity.ProviderEmail {
			by = v.settledBy
		}
	}
	return by
}

// keep is what a proof that was let in leaves behind.
func (m *model) keep(p identity.Proof, user identity.ID) {
	if m.people[user] == nil {
		m.people[user] = &person{}
		m.order = append(m.order, user)
	}
	isNew := m.ways[key(p)] == nil
	if isNew {
		m.ways[key(p)] = &way{owner: user}
	}
	linked := p.Purpose == identity.PurposeLink
	if linked {
		m.forgive(key(p), user)
	}
	if !p.Reported {
		return
	}
	m.ways[key(p)].shown = p.Email
	m.end(user, false, func(v *voucher) bool {
		return v.by == key(p) && (v.address != p.Email || !p.EmailAuthoritative)
	})
	if !p.EmailAuthoritative {
		return
	}
	removed := false
	for _, v := range m.vouchers {
		removed = removed || v.user == user && v.address == p.Email && v.removed
	}
	if removed && !isNew && !linked {
		return
	}
	m.vouch(p, user)
	owner, held := m.addresses[p.Email]
	if !held {
		m.addresses[p.Email], owner = user, user
	}
	if linked && owner == user {
		m.settle(p.Email, user)
	}
}

// forgive forgets that a user, or who was merged into them, unlinked an identity.
func (m *model) forgive(k string, user identity.ID) {
	var left []identity.ID
	for _, u := range m.unlinked[k] {
		if m.survivor(u) != user {
			left = append(left, u)
		}
	}
	m.unlinked[k] = left
}

func (m *model) vouch(p identity.Proof, user identity.ID) {
	var own *voucher
	settled := m.settledBefore(p)
	m.vouchers = slices.DeleteFunc(m.vouchers, func(v *voucher) bool {
		mine := v.address == p.Email && v.by == key(p)
		if mine && v.user == user && (own == nil || !v.ended) {
			own = v
		}
		return mine && v.user == identity.ID{}
	})
	if own == nil {
		own = &voucher{address: p.Email, by: key(p), user: user, settledBy: settled}
		m.vouchers = append(m.vouchers, own)
	}
	own.ended, own.removed = false, false
}

// end ends live vouchers of a user. Addresses that nothing vouches for leave.
func (m *model) end(user identity.ID, removed bool, which func(v *voucher) bool) {
	for _, v := range m.vouchers {
		if v.user == user && !v.ended && which(v) {
			v.ended, v.removed = true, removed
		}
	}
	for a, owner := range m.addresses {
		if owner == user && !m.vouched(a, user) {
			delete(m.addresses, a)
		}
	}
}

func (m *model) vouched(address string, user identity.ID) bool {
	return slices.ContainsFunc(m.vouchers, func(v *voucher) bool { return v.address == address && v.user == user && !v.ended })
}

func (m *model) settle(address string, owner identity.ID) {
	for _, v := range m.vouchers {
		if v.address == address && v.user != owner {
			v.settledBy = owner
		}
	}
}

func (m *model) waysOf(user identity.ID) (keys []string) {
	for k, w := range m.ways {
		if w.owner == user {
			keys = append(keys, k)
		}
	}
	return keys
}

// unlink takes an identity off its user, with its vouchers.
func (m *model) unlink(k string) {
	w := m.ways[k]
	m.end(w.owner, false, func(v *voucher) bool { return v.by == k })
	m.forget(k)
}

func (m *model) forget(k string) {
	w := m.ways[k]
	for _, h := range m.held {
		h.ended = h.ended || h.via == w.id
	}
	delete(m.ways, k)
	m.unlinked[k] = append(m.unlinked[k], w.owner)
	m.killTickets(w.owner)
}

func (m *model) killTickets(user identity.ID) {
	for _, t := range m.tickets {
		t.used = t.used || t.owner == user || t.holder != nil && t.holder.user == user
	}
}

// remove takes an address off its user, with the mailbox as a method.
func (m *model) remove(address string) {
	owner := m.addresses[address]
	m.end(owner, true, func(v *voucher) bool { return v.address == address })
	if k := "email " + address; m.ways[k] != nil && m.ways[k].owner == owner {
		m.forget(k)
	}
	m.killTickets(owner)
}

// survivor follows merges to who has everything now.
func (m *model) survivor(id identity.ID) identity.ID {
	for m.people[id].into != nil {
		id = *m.people[id].into
	}
	return id
}

func (m *model) owners(team identity.ID) (n int) {
	for user, p := range m.teams[team] {
		if p.role == "owner" && m.active(user) {
			n++
		}
	}
	return n
}
