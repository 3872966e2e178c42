package linking_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/linking"
	"github.com/latchkey/latchkey/storage/storagetest"
)

// model is who owns what, kept by the rules as a person would tell them.
type model struct {
	policy     linking.Policy
	identities map[string]identity.ID // by "provider subject"
	shown      map[string]string      // the address an identity showed last
	addresses  map[string]identity.ID
}

func key(p identity.Proof) string { return p.Provider + " " + p.Subject }

// expect tells what a proof leads to: a code, or the user it is for; the zero
// id stands for a new one.
func (m *model) expect(p identity.Proof, current *session.Principal, now time.Time) (user identity.ID, code identity.Code) {
	owner, owned := m.identities[key(p)]
	holder, held := identity.ID{}, false
	if p.EmailAuthoritative {
		holder, held = m.addresses[p.Email]
	}
	if p.Purpose == identity.PurposeSignIn {
		switch {
		case owned:
			return owner, ""
		case !held:
			return identity.ID{}, ""
		case m.policy == linking.PolicyAuto && !m.recycled(p, holder):
			return holder, ""
		}
		return holder, identity.CodeEmailTaken
	}
	me := current.User.ID
	switch {
	case owned && owner == me:
		return me, ""
	case p.Purpose == identity.PurposeStepUp:
		return me, identity.CodeIdentityMismatch
	case owned:
		return owner, identity.CodeIdentityTaken
	case now.Sub(current.Session.AuthenticatedAt) >= 10*time.Minute:
		return me, identity.CodeReauthRequired
	case held && holder != me:
		return holder, identity.CodeEmailTaken
	}
	return me, ""
}

func (m *model) recycled(p identity.Proof, holder identity.ID) bool {
	for k, owner := range m.identities {
		if owner == holder && k != key(p) && strings.HasPrefix(k, p.Provider+" ") && m.shown[k] == p.Email {
			return true
		}
	}
	return false
}

func (m *model) keep(p identity.Proof, user identity.ID) {
	m.identities[key(p)], m.shown[key(p)] = user, p.Email
	if _, held := m.addresses[p.Email]; p.EmailAuthoritative && !held {
		m.addresses[p.Email] = user
	}
}

// TestRandomHistories lets a few people come and go by a few ways in and
// addresses, so that everything collides, and compares the database with the
// model after every step.
func TestRandomHistories(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		policies := []linking.Policy{linking.PolicyAuto, linking.PolicyConfirm, linking.PolicyOff}
		history := 0
		rapid.Check(t, func(r *rapid.T) {
			history++ // each has names of its own in the one database
			m := &model{
				policy:     rapid.SampledFrom(policies).Draw(r, "policy"),
				identities: map[string]identity.ID{}, shown: map[string]string{}, addresses: map[string]identity.ID{},
			}
			w := newWorld(d, m.policy)
			var signedIn []*session.Principal
			for range rapid.IntRange(1, 12).Draw(r, "steps") {
				if rapid.IntRange(0, 9).Draw(r, "time passes") == 0 {
					d.Clock.Advance(session.FreshFor)
				}
				step(t, r, w, m, history, &signedIn)
			}
			violations, err := d.Violations(t.Context())
			if err != nil || len(violations) > 0 {
				r.Fatalf("%v, %v", violations, err)
			}
		})
	})
}

func step(t *testing.T, r *rapid.T, w *world, m *model, history int, signedIn *[]*session.Principal) {
	purpose := identity.PurposeSignIn
	var current *session.Principal
	who := -1
	if len(*signedIn) > 0 {
		purpose = rapid.SampledFrom([]identity.Purpose{identity.PurposeSignIn, identity.PurposeSignIn, identity.PurposeLink, identity.PurposeStepUp}).Draw(r, "purpose")
		who = rapid.IntRange(0, len(*signedIn)-1).Draw(r, "who")
		current = (*signedIn)[who]
	}
	provider := rapid.SampledFrom([]string{"google", "github", "siwe"}).Draw(r, "provider")
	p := w.proof(purpose, provider, fmt.Sprintf("h%d-s%d", history, rapid.IntRange(0, 2).Draw(r, "subject")))
	if provider == "siwe" {
		wallet(&p)
	} else if n := rapid.IntRange(0, 2).Draw(r, "address"); n > 0 {
		p.Email = fmt.Sprintf("h%d-a%d@example.com", history, n)
		p.EmailAuthoritative = rapid.IntRange(0, 3).Draw(r, "vouched") > 0
	}
	want, code := m.expect(p, current, w.Clock.Now())
	before := w.Count(t, "users")
	got, err := w.apply(t, p, current)
	if identity.ErrorCode(err) != code || err != nil && code == "" {
		r.Fatalf("%+v: %v, want code %q", p, err, code)
	}
	if err == nil {
		isNew := want == identity.ID{}
		if !isNew && got.User.ID != want || isNew != (w.Count(t, "users") == before+1) || isNew != (got.Outcome == linking.OutcomeCreated) {
			r.Fatalf("%+v led to %s (%s), want %s", p, got.User.ID, got.Outcome, want)
		}
		m.keep(p, got.User.ID)
		if purpose == identity.PurposeSignIn {
			*signedIn = append(*signedIn, principal(got))
		} else {
			(*signedIn)[who] = principal(got)
		}
	}
	for k, owner := range m.identities {
		provider, subject, _ := strings.Cut(k, " ")
		if got := w.owner(t, provider, subject); got != owner {
			r.Fatalf("%s is of %s, want %s", k, got, owner)
		}
	}
	for n := 1; n <= 2; n++ {
		address := fmt.Sprintf("h%d-a%d@example.com", history, n)
		got, err := w.EmailOwner(t.Context(), address)
		if want, held := m.addresses[address]; held != (err == nil) || held && got != want {
			r.Fatalf("%s is of %s, %v; want %s, %v", address, got, err, want, held)
		}
	}
}
