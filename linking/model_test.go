package linking_test

import (
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
	people    map[identity.ID]*person
	order     []identity.ID                             // of people, as they came
	teams     map[identity.ID]map[identity.ID]placement // that are not deleted
	invited   []*invitation
	merges    []*merged
	tickets   []*ticket
	held      []*held
}

// way is a way in; shown is the address it showed last.
type way struct {
	id, owner identity.ID
	shown     string
}

type person struct {
	disabled, operator bool
	into               *identity.ID
}

// placement is a place in a team; serial tells one from a later one.
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
	via   identity.ID // the way in that made it
	ended bool
	found bool // to be ended
}

// ticket is one that a refusal gave.
type ticket struct {
	token   string
	kind    string
	owner   identity.ID
	holder  *held
	proof   identity.Proof
	expires time.Time
	used    bool
}

// merged is a merge with all that it moved.
type merged struct {
	id, source, survivor identity.ID
	ways                 map[string]identity.ID
	addresses            []string
	places               map[identity.ID]moved
	invited              []*invitation
	operators            [3]bool // the source's, the survivor's before and after
	until                time.Time
	undone               bool
	rows                 string // the source's, before
}

type moved struct {
	theirs  placement  // the source's
	current *placement // the survivor's before, if he had one
	becomes placement
}

func newModel(policy linking.Policy) *model {
	return &model{
		policy: policy, ways: map[string]*way{}, addresses: map[string]identity.ID{}, people: map[identity.ID]*person{},
		teams: map[identity.ID]map[identity.ID]placement{},
	}
}

func key(p identity.Proof) string { return p.Provider + " " + p.Subject }

func (m *model) active(id identity.ID) bool {
	p := m.people[id]
	return !p.disabled && p.into == nil
}

// expect tells what a proof leads to: a code, or the user it is for; the zero
// id stands for a new one. ticket is what a refusal gives.
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
		case owned:
			return w.owner, "", ""
		case !isHeld:
			return identity.ID{}, "", ""
		case !m.active(holder):
			return holder, identity.CodeUserDisabled, ""
		case m.recycled(p, holder):
			return holder, identity.CodeEmailTaken, "link"
		case m.policy == linking.PolicyAuto:
			return holder, "", ""
		case m.policy == linking.PolicyConfirm:
			return holder, identity.CodeEmailTaken, "link"
		}
		return holder, identity.CodeEmailTaken, ""
	}
	me := current.User.ID
	switch {
	case owned && w.owner == me:
		return me, "", ""
	case p.Purpose == identity.PurposeStepUp:
		return me, identity.CodeIdentityMismatch, ""
	case owned:
		return w.owner, identity.CodeIdentityTaken, m.mergeTicket(w.owner)
	case now.Sub(current.Session.AuthenticatedAt) >= 10*time.Minute:
		return me, identity.CodeReauthRequired, ""
	case isHeld && holder != me:
		return holder, identity.CodeEmailTaken, m.mergeTicket(holder)
	}
	return me, "", ""
}

func (m *model) mergeTicket(owner identity.ID) string {
	if m.active(owner) {
		return "merge"
	}
	return ""
}

func (m *model) recycled(p identity.Proof, holder identity.ID) bool {
	for k, w := range m.ways {
		if w.owner == holder && k != key(p) && strings.HasPrefix(k, p.Provider+" ") && w.shown == p.Email {
			return true
		}
	}
	return false
}

// keep is what a proof that was let in leaves behind.
func (m *model) keep(p identity.Proof, user identity.ID) {
	if m.people[user] == nil {
		m.people[user] = &person{}
		m.order = append(m.order, user)
	}
	if m.ways[key(p)] == nil {
		m.ways[key(p)] = &way{owner: user}
	}
	m.ways[key(p)].shown = p.Email
	if _, held := m.addresses[p.Email]; p.EmailAuthoritative && !held {
		m.addresses[p.Email] = user
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

// unlink takes a way in off, and with one by e-mail its address.
func (m *model) unlink(k string) {
	w := m.ways[k]
	if address, ok := strings.CutPrefix(k, "email "); ok && m.addresses[address] == w.owner {
		delete(m.addresses, address)
	}
	for _, h := range m.held {
		h.ended = h.ended || h.via == w.id
	}
	delete(m.ways, k)
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

// merge moves everything of the source to the survivor.
func (m *model) merge(id, source, survivor identity.ID, now time.Time, rows string) {
	r := &merged{
		id: id, source: source, survivor: survivor, until: now.Add(undoFor), rows: rows,
		ways: map[string]identity.ID{}, places: map[identity.ID]moved{},
	}
	for k, w := range m.ways {
		if w.owner == source {
			r.ways[k], w.owner = w.id, survivor
		}
	}
	for a, owner := range m.addresses {
		if owner == source {
			r.addresses, m.addresses[a] = append(r.addresses, a), survivor
		}
	}
	for t, members := range m.teams {
		theirs, in := members[source]
		if !in {
			continue
		}
		mv := moved{theirs: theirs, becomes: theirs}
		if own, both := members[survivor]; both {
			mv.current, mv.becomes = &own, own
			if theirs.role.Above(own.role) {
				mv.becomes.role = theirs.role
			}
		}
		members[survivor], r.places[t] = mv.becomes, mv
		delete(members, source)
	}
	for _, i := range m.invited {
		if i.by == source {
			i.by, r.invited = survivor, append(r.invited, i)
		}
	}
	for _, t := range m.tickets {
		t.used = t.used || t.owner == source || t.holder != nil && t.holder.user == source
	}
	for _, h := range m.held {
		h.ended = h.ended || h.user == source
	}
	a, b := m.people[source], m.people[survivor]
	r.operators = [3]bool{a.operator, b.operator, a.operator || b.operator}
	a.into, b.operator, a.operator = &survivor, a.operator || b.operator, false
	m.merges = append(m.merges, r)
}

// undoable reports whether everything is as the merge left it, and nothing came
// on top of it.
func (m *model) undoable(r *merged) bool {
	if !m.active(r.survivor) || m.people[r.source].into == nil || *m.people[r.source].into != r.survivor {
		return false
	}
	after := false
	for _, l := range m.merges {
		for t := range r.places {
			if _, both := l.places[t]; both && after && !l.undone && l.survivor == r.survivor {
				return false
			}
		}
		after = after || l == r
	}
	for k, id := range r.ways {
		if w := m.ways[k]; w == nil || w.id != id || w.owner != r.survivor {
			return false
		}
	}
	own := 0
	for _, k := range m.waysOf(r.survivor) {
		if _, returns := r.ways[k]; !returns {
			own++
			if address, ok := strings.CutPrefix(k, "email "); ok && contains(r.addresses, address) {
				return false
			}
		}
	}
	for _, a := range r.addresses {
		if m.addresses[a] != r.survivor {
			return false
		}
	}
	for t, mv := range r.places {
		now := m.teams[t][r.survivor]
		if now.role != mv.becomes.role || mv.current == nil && now.serial != mv.becomes.serial {
			return false
		}
	}
	return own > 0 && (!r.operators[0] || m.people[r.survivor].operator)
}

// undo gives back what a merge moved.
func (m *model) undo(r *merged) {
	r.undone = true
	for k, id := range r.ways {
		m.ways[k].owner = r.source
		for _, h := range m.held {
			h.ended = h.ended || h.via == id
		}
	}
	for _, a := range r.addresses {
		m.addresses[a] = r.source
	}
	for t, mv := range r.places {
		members := m.teams[t]
		now := members[r.survivor]
		delete(members, r.survivor)
		if mv.current != nil {
			now.role = mv.current.role
			members[r.survivor] = now
		}
		members[r.source] = mv.theirs
	}
	for _, i := range r.invited {
		i.by = r.source
	}
	a, b := m.people[r.source], m.people[r.survivor]
	a.into, a.operator = nil, r.operators[0]
	if b.operator == r.operators[2] {
		b.operator = r.operators[1]
	}
}

func contains(all []string, one string) bool {
	for _, a := range all {
		if a == one {
			return true
		}
	}
	return false
}
