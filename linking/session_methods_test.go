package linking_test

import (
	"slices"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

func (w *world) methods(t *testing.T, what string, id identity.ID, want ...string) {
	t.Helper()
	p, err := w.PrincipalBySession(t.Context(), id, nil)
	if err != nil || !slices.Equal(p.Session.Methods, want) {
		t.Errorf("%s: methods %v, want %v; %v", what, p.Session.Methods, want, err)
	}
}

// An identity that leaves its user takes its method off the user's sessions,
// whether it is unlinked or goes back with an undone merge.
func TestAnIdentityTakesItsMethodAlong(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		add := func(p *session.Principal, purpose identity.Purpose, provider, subject string) (*session.Principal, identity.ID) {
			t.Helper()
			next := principal(w.must(t, w.proof(purpose, provider, subject), p))
			i, _, err := w.IdentityOwner(t.Context(), provider, subject)
			if err != nil {
				t.Fatal(err)
			}
			return next, i.ID
		}
		actor := func(p *session.Principal) identity.Actor { return p.Actor(d.Clock.Now(), identity.RequestOrigin{}) }

		one, other := storagetest.Word(), storagetest.Word()
		ada := w.signIn(t, "github", storagetest.Word())
		elsewhere := w.signIn(t, "github", storagetest.Word())
		ada, first := add(ada, identity.PurposeLink, "google", one)
		ada, second := add(ada, identity.PurposeLink, "google", other)
		w.methods(t, "both linked", ada.Session.ID, "github", "google")
		if err := w.service.Unlink(t.Context(), actor(ada), first); err != nil {
			t.Fatal(err)
		}
		w.methods(t, "one of two is left", ada.Session.ID, "github", "google")
		if err := w.service.Unlink(t.Context(), actor(ada), second); err != nil {
			t.Fatal(err)
		}
		w.methods(t, "none is left", ada.Session.ID, "github")
		w.methods(t, "another user", elsewhere.Session.ID, "github")

		// A survivor proves an identity that came with a merge, which is undone.
		subject := storagetest.Word()
		w.signIn(t, "google", subject)
		source := w.owner(t, "google", subject)
		p, err := w.service.AdminMerge(t.Context(), nil, ada.User.ID, source, linking.MergeChoices{Survivor: &ada.User.ID}, true)
		if err != nil {
			t.Fatal(err)
		}
		p, err = w.service.AdminMerge(t.Context(), nil, ada.User.ID, source, linking.MergeChoices{Survivor: &ada.User.ID, Fingerprint: p.Fingerprint}, false)
		if err != nil {
			t.Fatal(err)
		}
		w.methods(t, "merged", ada.Session.ID, "github")
		ada, _ = add(ada, identity.PurposeStepUp, "google", subject)
		w.methods(t, "proven by what came", ada.Session.ID, "github", "google")
		if _, err := w.service.UndoAnyMerge(t.Context(), p.ID); err != nil {
			t.Fatal(err)
		}
		w.methods(t, "undone", ada.Session.ID, "github")
	})
}
