package linking_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/identity/user"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// browsers are the secrets of two of them.
var browsers = [][]byte{identity.HashSecret("browser"), identity.HashSecret("another browser")}

// history is what a few people do, with what must come of it.
type history struct {
	*world
	t        *testing.T
	r        *rapid.T
	m        *model
	prefix   string // of all names, for the database has other histories
	sessions *session.Service
	inTeams  *teamsession.Service
	teams    *team.Service
	users    *user.Service
	serial   int
	jumped   bool
}

// TestRandomHistories lets a few people sign in and out with a few identities and
// addresses, so that everything collides, merge and undo again, and
// compares the database with the model after every step.
func TestRandomHistories(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		n := 0
		rapid.Check(t, func(r *rapid.T) {
			n++
			policies := []linking.Policy{linking.PolicyAuto, linking.PolicyConfirm, linking.PolicyOff}
			h := &history{t: t, r: r, m: newModel(pick(r, "policy", policies)), prefix: fmt.Sprintf("h%d-", n)}
			h.world = newWorld(d, h.m.policy)
			h.sessions = session.NewService(d.DB, nil, session.Limits{Idle: 1000 * time.Hour, Lifetime: 2000 * time.Hour}, d.Clock.Now)
			h.inTeams = teamsession.NewService(d.DB, h.sessions, d.Clock.Now)
			h.teams = team.NewService(d.DB, d.Clock.Now)
			h.users = user.NewService(d.DB, identity.NoNotices{}, d.Clock.Now)
			for n := range 4 { // a few people to begin with
				h.apply(h.world.proof(identity.PurposeSignIn, "github", fmt.Sprintf("%ss%d", h.prefix, n)), nil, nil)
			}
			for range 20 {
				d.Clock.Advance(time.Microsecond)
				h.step()
				h.check()
			}
			h.checkLookups(true)
		})
	})
}

// step does one thing. What happens often is listed more than once.
func (h *history) step() {
	steps := map[string]func(){
		"nothing": func() {}, "proof": h.proof, "unlink": h.unlink, "remove address": h.removeAddress, "settle": h.settle, "accept link": h.acceptLink, "merge": h.adminMerge, "redeem": h.redeem, "undo": h.undo, "time": h.time,
		"disable": h.disable, "operator": h.operator, "team": h.createTeam, "enter": h.enter, "invite": h.invite,
		"accept": h.accept, "remove": h.remove, "role": h.changeRole, "delete": h.deleteTeam,
	}
	steps[pick(h.r, "step", []string{
		"nothing", "proof", "proof", "proof", "proof", "proof", "unlink", "unlink", "remove address", "settle", "accept link", "accept link", "merge", "redeem", "redeem", "undo", "undo", "undo", "time",
		"disable", "operator", "team", "team", "enter", "enter", "invite", "invite", "invite", "accept", "accept", "accept", "remove", "role", "role", "delete",
	})]()
}

// pick draws one of all with the same chance for each, and shrinks to the first.
// Rapid's own choices favour the first ones, so that little would collide.
func pick[T any](r *rapid.T, label string, all []T) T {
	n := 0
	for left := 4 * len(all); left > 0; left /= 2 {
		n *= 2
		if rapid.Bool().Draw(r, label) {
			n++
		}
	}
	return all[n%len(all)]
}

// between draws from min to max, as pick does.
func between(r *rapid.T, label string, low, high int) int {
	all := make([]int, 0, high-low+1)
	for n := low; n <= high; n++ {
		all = append(all, n)
	}
	return pick(r, label, all)
}

// want compares a refusal with the model's.
func (h *history) want(what string, err error, code identity.Code) {
	h.t.Helper()
	if code == identity.CodeNotFound && errors.Is(err, identity.ErrNotFound) {
		return
	}
	if identity.ErrorCode(err) != code || err != nil && code == "" {
		h.r.Fatalf("%s: %v, want code %q", what, err, code)
	}
}

// someone draws a session with its current principal; nil if it has ended.
func (h *history) someone() (*held, *session.Principal) {
	from := h.m.held
	if open := h.open(); len(open) > 0 && between(h.r, "open", 0, 7) > 0 { // the others can do nothing
		from = open
	}
	return h.principal(pick(h.r, "who", from))
}

// principal is the current principal of a session; nil if it has ended.
func (h *history) principal(s *held) (*held, *session.Principal) {
	p, err := h.sessions.Authenticate(h.t.Context(), s.token, identity.RequestOrigin{})
	if alive := !s.ended && h.m.active(s.user); alive != (err == nil) || alive && p.User.ID != s.user {
		h.r.Fatalf("a session of %s: %v, %v; alive %v", s.user, p.User.ID, err, alive)
	}
	if err != nil {
		return s, nil
	}
	return s, &p
}

func (h *history) actor() (identity.Actor, bool) {
	_, p := h.someone()
	if p == nil {
		return identity.Actor{}, false
	}
	return p.Actor(h.Clock.Now(), identity.RequestOrigin{}), true
}

func (h *history) open() (out []*held) {
	for _, s := range h.m.held {
		if !s.ended && h.m.active(s.user) {
			out = append(out, s)
		}
	}
	return out
}

// anyone draws a user, mostly an active one.
func (h *history) anyone(but ...identity.ID) identity.ID {
	var active []identity.ID
	for _, id := range h.m.order {
		if h.m.active(id) && !slices.Contains(but, id) {
			active = append(active, id)
		}
	}
	if len(active) == 0 || between(h.r, "any", 0, 7) == 0 {
		active = h.m.order
	}
	return pick(h.r, "user", active)
}

func (h *history) proof() {
	purpose := identity.PurposeSignIn
	var current *session.Principal
	var by *held
	switch between(h.r, "purpose", 0, 4) {
	case 2, 3:
		purpose = identity.PurposeLink
	case 4:
		purpose = identity.PurposeStepUp
	}
	if purpose.NeedsSession() {
		if by, current = h.someone(); current == nil {
			return
		}
	}
	provider := pick(h.r, "provider", []string{"google", "github", "siwe", "email"})
	p := h.world.proof(purpose, provider, fmt.Sprintf("%ss%d", h.prefix, between(h.r, "subject", 0, 2)))
	address := fmt.Sprintf("%sa%d@example.com", h.prefix, between(h.r, "address", 1, 2))
	switch {
	case provider == "siwe":
		wallet(&p)
	case provider == "email":
		p.Subject, p.Email, p.EmailAuthoritative, p.Reported = address, address, true, true
	case rapid.Bool().Draw(h.r, "shows an address"): // else the provider says nothing
		p.Email, p.EmailAuthoritative, p.Reported = address, between(h.r, "vouched", 0, 3) > 0, true
	}
	h.apply(p, by, current)
}

// apply applies a proof, and compares what it led to with the model.
func (h *history) apply(p identity.Proof, by *held, current *session.Principal) {
	purpose := p.Purpose
	want, code, kind := h.m.expect(p, current, h.Clock.Now())
	var link *ticket
	browser := between(h.r, "browser", 0, 1)
	a := linking.Submission{Proof: p, Current: current, BrowserHash: browsers[browser]}
	for _, t := range h.m.tickets {
		if purpose == identity.PurposeSignIn && t.kind == "link" && rapid.Bool().Draw(h.r, "link ticket") {
			link, a.LinkTicket = t, t.token
		}
	}
	before := h.Count(h.t, "users")
	existed := h.m.ways[key(p)] != nil
	got, err := h.service.Apply(h.t.Context(), a)
	h.want(fmt.Sprintf("%+v", p), err, code)
	var refusal *identity.Error
	if errors.As(err, &refusal) {
		if refusal.TicketKind != kind {
			h.r.Fatalf("%+v gave a ticket of kind %q, want %q", p, refusal.TicketKind, kind)
		}
		h.m.refuse(p, code)
		if kind != "" {
			t := &ticket{token: refusal.Ticket, kind: kind, owner: want, browser: browser, proof: p, expires: h.Clock.Now().Add(linking.TicketLifetime)}
			if kind == "merge" {
				t.holder, t.ground = by, string(code)
			}
			h.m.tickets = append(h.m.tickets, t)
		}
		return
	}
	isNew := want == identity.ID{}
	if !isNew && got.User.ID != want || isNew != (h.Count(h.t, "users") == before+1) || isNew != (got.Outcome == linking.OutcomeCreated) {
		h.r.Fatalf("%+v led to %s (%s), want %s", p, got.User.ID, got.Outcome, want)
	}
	h.m.keep(p, got.User.ID)
	h.identify(key(p))
	if purpose.NeedsSession() {
		by.token = got.Token
		return
	}
	h.m.held = append(h.m.held, &held{token: got.Token, id: got.Session.ID, user: got.User.ID, via: h.m.ways[key(p)].id})
	asked := link != nil && existed && !link.used && link.owner == got.User.ID && link.browser == browser &&
		h.Clock.Now().Before(link.expires) && key(link.proof) != key(p)
	if asked != (got.Asks != nil) {
		h.r.Fatalf("the session holds the link ticket: %+v, want %v", got.Asks, asked)
	}
	if asked {
		link.holder = h.m.held[len(h.m.held)-1]
	}
}

// acceptLink links what a ticket asks for, as a rule by who holds it.
func (h *history) acceptLink() {
	var open []*ticket
	for _, t := range h.m.tickets {
		if t.kind == "link" {
			open = append(open, t)
		}
	}
	if len(open) == 0 {
		return
	}
	t := pick(h.r, "ticket", open)
	by, p := h.someone()
	if t.holder != nil && between(h.r, "stolen", 0, 4) > 0 {
		by, p = h.principal(t.holder)
	}
	if p == nil {
		return
	}
	browser := between(h.r, "browser", 0, 7)
	if browser > 1 {
		browser = t.browser
	}
	k, code := key(t.proof), identity.Code("")
	w, owner := h.m.ways[k], h.m.addresses[t.proof.Email]
	switch {
	case t.used || !h.Clock.Now().Before(t.expires) || by != t.holder || browser != t.browser:
		code = identity.CodeNotFound
	case !p.Session.RecentlyVerified(h.Clock.Now()):
		code = identity.CodeReauthRequired
	case w != nil && w.owner != t.owner, w == nil && owner != identity.ID{} && owner != t.owner:
		code = identity.CodeTicketInvalid
	}
	stored, err := h.TicketByToken(h.t.Context(), identity.HashSecret(t.token))
	if err != nil {
		h.r.Fatal(err)
	}
	_, err = h.service.RedeemLink(h.t.Context(), linking.TicketHolder{Principal: *p, BrowserHash: browsers[browser]}, stored.ID)
	h.want("accept link", err, code)
	if code != "" {
		return
	}
	t.used = true
	if w != nil {
		h.m.settle(t.proof.Email, t.owner)
		return
	}
	proof := t.proof
	proof.Purpose = identity.PurposeLink
	h.m.keep(proof, t.owner)
	h.identify(k)
}

func (h *history) removeAddress() {
	actor, ok := h.actor()
	if !ok {
		return
	}
	address := fmt.Sprintf("%sa%d@example.com", h.prefix, between(h.r, "address", 1, 2))
	code, mailbox := identity.Code(""), h.m.ways["email "+address]
	switch {
	case h.m.addresses[address] != actor.UserID:
		code = identity.CodeNotFound
	case !actor.RecentlyVerified:
		code = identity.CodeReauthRequired
	case mailbox != nil && mailbox.owner == actor.UserID && len(h.m.waysOf(actor.UserID)) == 1:
		code = identity.CodeLastIdentity
	}
	h.want("remove "+address, h.service.RemoveEmail(h.t.Context(), actor, actor.UserID, address, ""), code)
	if code == "" {
		h.m.remove(address)
	}
}

func (h *history) settle() {
	actor, ok := h.actor()
	if !ok {
		return
	}
	address := fmt.Sprintf("%sa%d@example.com", h.prefix, between(h.r, "address", 1, 2))
	code := identity.Code("")
	switch {
	case h.m.addresses[address] != actor.UserID:
		code = identity.CodeNotFound
	case !actor.RecentlyVerified:
		code = identity.CodeReauthRequired
	}
	h.want("settle "+address, h.service.SettleEmail(h.t.Context(), actor, address), code)
	if code == "" {
		h.m.settle(address, actor.UserID)
	}
}

// identify learns the id of an identity.
func (h *history) identify(k string) {
	provider, subject, _ := strings.Cut(k, " ")
	i, _, err := h.IdentityOwner(h.t.Context(), provider, subject)
	if err != nil {
		h.r.Fatalf("%s: %v", k, err)
	}
	h.m.ways[k].id = i.ID
}

func (h *history) unlink() {
	actor, ok := h.actor()
	if !ok || len(h.m.ways) == 0 {
		return
	}
	keys := h.m.waysOf(actor.UserID)
	if len(keys) == 0 || between(h.r, "whose", 0, 7) == 0 {
		keys = slices.Collect(maps.Keys(h.m.ways))
	}
	slices.Sort(keys)
	k := pick(h.r, "identity", keys)
	w, code := h.m.ways[k], identity.Code("")
	switch {
	case w.owner != actor.UserID:
		code = identity.CodeNotFound
	case !actor.RecentlyVerified:
		code = identity.CodeReauthRequired
	case len(h.m.waysOf(actor.UserID)) == 1:
		code = identity.CodeLastIdentity
	}
	h.want("unlink "+k, h.service.Unlink(h.t.Context(), actor, w.id), code)
	if code == "" {
		h.m.unlink(k)
	}
}
