package linking_test

import (
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// wishes draws who survives, of two, and whose values.
func (h *history) wishes(a, b identity.ID) linking.MergeChoices {
	survivor := pick(h.r, "survivor", []identity.ID{a, b})
	side := pick(h.r, "side", []linking.Side{linking.SideSource, linking.SideSurvivor})
	return linking.MergeChoices{Survivor: &survivor, Choices: map[string]linking.Side{"primary_email": side}}
}

func (h *history) adminMerge() {
	a := h.anyone()
	b := h.anyone(a)
	code := identity.Code("")
	switch {
	case a == b:
		code = identity.CodeInvalidRequest
	case !h.m.active(a) || !h.m.active(b):
		code = identity.CodeMergeRefused
	}
	w := h.wishes(a, b)
	source := a
	if *w.Survivor == a {
		source = b
	}
	rows := h.rows(source)
	p, err := h.service.AdminMerge(h.t.Context(), nil, a, b, w, false)
	h.want("merge", err, code)
	if code == "" {
		h.m.merge(p.ID, source, *w.Survivor, h.Clock.Now(), rows)
	}
}

func (h *history) redeem() {
	var open []*ticket
	for _, t := range h.m.tickets {
		if t.kind == "merge" {
			open = append(open, t)
		}
	}
	if len(open) == 0 {
		return
	}
	t := pick(h.r, "ticket", open)
	by, p := h.someone()
	if between(h.r, "stolen", 0, 4) > 0 { // as a rule by who has it
		by = t.holder
		got, err := h.sessions.Authenticate(h.t.Context(), by.token, identity.RequestOrigin{})
		if p = &got; err != nil {
			return
		}
	}
	if p == nil {
		return
	}
	holder := linking.TicketHolder{Principal: *p, BrowserHash: browsers[t.browser]}
	now, code := h.Clock.Now(), identity.Code("")
	switch {
	case t.used || !now.Before(t.expires) || by != t.holder:
		code = identity.CodeTicketInvalid
	case !h.m.active(t.owner):
		code = identity.CodeMergeRefused
	case h.m.people[t.owner].operator || h.m.people[p.User.ID].operator:
		code = identity.CodeOperatorMerge
	default: // the same proof, now, must still give this ticket
		fresh := *p
		fresh.Session.AuthenticatedAt = now
		again := t.proof
		again.Purpose = identity.PurposeLink
		if owner, ground, kind := h.m.expect(again, &fresh, now); kind != "merge" || owner != t.owner || string(ground) != t.ground {
			code = identity.CodeTicketInvalid
		}
	}
	w := h.wishes(p.User.ID, t.owner)
	preview, err := h.service.PreviewMerge(h.t.Context(), holder, t.token, w)
	h.want("preview", err, code)
	if code != "" {
		return
	}
	if !p.Session.RecentlyVerified(now) {
		code = identity.CodeReauthRequired
	}
	source := t.owner
	if *w.Survivor == source {
		source = p.User.ID
	}
	rows := h.rows(source)
	w.Fingerprint = preview.Fingerprint
	_, r, err := h.service.ConfirmMerge(h.t.Context(), holder, preview.ID, w)
	h.want("confirm", err, code)
	if code != "" {
		return
	}
	h.m.merge(preview.ID, source, *w.Survivor, now, rows)
	if by.user == *w.Survivor {
		by.token = r.Token
		return
	}
	h.m.held = append(h.m.held, &held{token: r.Token, id: r.Session.ID, user: *w.Survivor, via: *r.Session.IdentityID})
}

func (h *history) undo() {
	actor, ok := h.actor()
	if !ok || len(h.m.merges) == 0 {
		return
	}
	// Mostly the newest that was not undone: many of the others are refused.
	m := h.m.merges[len(h.m.merges)-1]
	if rapid.Bool().Draw(h.r, "another") {
		m = pick(h.r, "merge", h.m.merges)
	}
	operator := rapid.Bool().Draw(h.r, "as an operator")
	commandLine := operator && rapid.Bool().Draw(h.r, "on the command line")
	code := identity.Code("")
	switch {
	case !operator && h.m.survivor(m.survivor) != actor.UserID:
		code = identity.CodeNotFound
	case !actor.RecentlyVerified && !commandLine:
		code = identity.CodeReauthRequired
	case m.undone || !h.Clock.Now().Before(m.until):
		code = identity.CodeMergeRefused
	case m.operators[0] && h.m.people[m.survivor].into == nil && !commandLine:
		code = identity.CodeOperatorMerge
	case !h.m.undoable(m):
		code = identity.CodeMergeMovedOn
	}
	before := h.rows(h.m.order...)
	var err error
	if commandLine {
		_, err = h.service.UndoAnyMerge(h.t.Context(), m.id)
	} else {
		_, err = h.service.UndoMerge(h.t.Context(), actor, m.id, operator)
	}
	h.want("undo", err, code)
	if code != "" {
		if after := h.rows(h.m.order...); after != before {
			h.r.Fatalf("a refused undo has changed\n%s\nto\n%s", before, after)
		}
		return
	}
	h.m.undo(m)
	gained := 0 // addresses that the returning identities vouch for since
	for a, owner := range h.m.addresses {
		if owner == m.source && !slices.Contains(m.addresses, a) {
			gained++
		}
	}
	if after := h.rows(m.source); after != m.rows && (gained == 0 || withoutAddresses(after) != withoutAddresses(m.rows)) {
		h.r.Fatalf("an undo gave back\n%s\nof\n%s", after, m.rows)
	}
}

// withoutAddresses is rows without addresses, and without the user's primary one.
func withoutAddresses(rows string) string {
	var out []string
	for line := range strings.SplitSeq(rows, "\n") {
		if !strings.HasPrefix(line, "address ") && !strings.HasPrefix(line, "user ") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}
