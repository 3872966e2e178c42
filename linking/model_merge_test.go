package linking_test

import (
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// merged is a merge with all that it moved.
type merged struct {
	id, source, survivor identity.ID
	ways                 map[string]identity.ID
	addresses            []string
	vouchers             []*voucher
	places               map[identity.ID]moved
	invited              []*invitation
	operators            [3]bool // the source's, the survivor's before and after
	until                time.Time
	undone               bool
	rows                 string // the source's, before
}

type moved struct {
	theirs  placement  // the source's
	current *placement // the survivor's before, if they had one
	becomes placement
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
	for _, v := range m.vouchers {
		if v.user == source {
			v.user, r.vouchers = survivor, append(r.vouchers, v)
		}
		if v.settledBy == source {
			v.settledBy = survivor
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
	m.killTickets(source)
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
			if address, ok := strings.CutPrefix(k, "email "); ok && slices.Contains(r.addresses, address) {
				return false
			}
		}
	}
	for _, a := range r.addresses {
		if m.addresses[a] != r.survivor || !slices.ContainsFunc(m.vouchers, func(v *voucher) bool {
			return v.address == a && v.user == r.survivor && !v.ended && m.returns(r, v)
		}) {
			return false
		}
	}
	for t, mv := range r.places {
		if m.teams[t][r.survivor] != mv.becomes { // it ended, was renewed or got another role, perhaps the same again
			return false
		}
	}
	return own > 0 && (!r.operators[0] || m.people[r.survivor].operator)
}

// returns reports whether an undo gives a voucher back.
func (m *model) returns(r *merged, v *voucher) bool {
	_, byTheirs := r.ways[v.by]
	return byTheirs || slices.Contains(r.vouchers, v)
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
	for _, v := range m.vouchers {
		if v.user == r.survivor && m.returns(r, v) {
			v.user = r.source
		}
	}
	for a, owner := range m.addresses {
		if owner == r.survivor && (slices.Contains(r.addresses, a) || !m.vouched(a, r.survivor)) {
			m.addresses[a] = r.source
			for _, v := range m.vouchers {
				if v.address == a && v.settledBy == r.survivor {
					v.settledBy = r.source
				}
			}
		}
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
