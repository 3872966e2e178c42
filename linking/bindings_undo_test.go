package linking_test

import (
	"context"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// Each thing that an undo is bound to, taken away by itself.
func TestAnUndoIsBound(t *testing.T) {
	moved := identity.CodeMergeMovedOn
	table := []struct {
		name    string
		without func(p *pairing, by *identity.Actor)
		code    identity.Code
		says    string
	}{
		{name: "nothing", without: func(*pairing, *identity.Actor) {}},
		{"another user", func(p *pairing, by *identity.Actor) { by.UserID = p.signIn(p.t, "google", storagetest.Word()).User.ID }, identity.CodeNotFound, ""},
		{"the source", func(p *pairing, by *identity.Actor) { by.UserID = p.holder.User.ID }, identity.CodeNotFound, ""},
		{"recently verified", func(_ *pairing, by *identity.Actor) { by.RecentlyVerified = false }, identity.CodeReauthRequired, ""},
		{"in time", func(p *pairing, _ *identity.Actor) { p.Clock.Advance(undoFor) }, identity.CodeMergeRefused, "no longer be undone"},
		{"once", func(p *pairing, by *identity.Actor) {
			if _, err := p.service.UndoMerge(p.t.Context(), *by, p.preview.ID, false); err != nil {
				p.t.Fatal(err)
			}
		}, identity.CodeMergeRefused, "no longer be undone"},
		{"survivor is active", func(p *pairing, _ *identity.Actor) { p.suspend(p.owner.User.ID) }, moved, "disabled"},
		{"what moved is there", func(p *pairing, _ *identity.Actor) {
			p.do(func(ctx context.Context) error { return p.DeleteIdentity(ctx, p.preview.Plan.Identities[0].ID) })
		}, moved, "was unlinked"},
		{"a usable method is left", func(p *pairing, _ *identity.Actor) {
			for _, i := range p.identities(p.owner.User.ID) {
				if i.ID != p.preview.Plan.Identities[0].ID {
					p.do(func(ctx context.Context) error { return p.DeleteIdentity(ctx, i.ID) })
				}
			}
		}, moved, "had before"},
		{"last one first", func(p *pairing, by *identity.Actor) {
			into := p.signIn(p.t, "google", storagetest.Word()).User.ID
			if _, err := p.service.AdminMerge(p.t.Context(), nil, p.owner.User.ID, into, linking.MergeChoices{Survivor: &into}, false); err != nil {
				p.t.Fatal(err)
			}
			by.UserID = into
		}, moved, "undo the merge"},
	}
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		d.Unsound()
		for _, r := range table {
			p := newPairing(t, d, false)
			identitiesBefore := [2][]identity.Identity{p.identities(p.holder.User.ID), p.identities(p.owner.User.ID)}
			if err := p.confirm(); err != nil {
				t.Fatal(err)
			}
			by := p.owner.Actor(p.Clock.Now(), identity.RequestOrigin{})
			by.RecentlyVerified = true
			r.without(p, &by)
			undo := func() error {
				_, err := p.service.UndoMerge(t.Context(), by, p.preview.ID, false)
				return err
			}
			if r.code != "" {
				p.wantUnchanged(r.name, r.code, undo)
				if err := undo(); !strings.Contains(err.Error(), r.says) {
					t.Errorf("%s: it says %v, want %q", r.name, err, r.says)
				}
				continue
			}
			entered := p.signIn(t, "google", identitiesBefore[0][0].Subject) // by what returns
			if err := undo(); err != nil {
				t.Errorf("%s: %v", r.name, err)
			}
			// All as it was, with the terms that each wallet agreed to.
			now := [2][]identity.Identity{p.identities(p.holder.User.ID), p.identities(p.owner.User.ID)}
			for n := range now {
				if len(now[n]) != len(identitiesBefore[n]) {
					t.Fatalf("%d identities, want %d", len(now[n]), len(identitiesBefore[n]))
				}
				for i, got := range now[n] {
					want := identitiesBefore[n][i]
					if got.ID != want.ID || got.UserID != want.UserID || got.TermsVersion != want.TermsVersion || got.IsPrimary != want.IsPrimary {
						t.Errorf("identity %+v, want %+v", got, want)
					}
				}
			}
			for what, id := range map[string]identity.ID{"the source's": p.holder.Session.ID, "by what returned": entered.Session.ID} {
				p.do(func(ctx context.Context) error {
					s, err := p.LockSession(ctx, id)
					if err == nil && s.EndedAt == nil {
						t.Errorf("the session %s goes on", what)
					}
					return err
				})
			}
		}
	})
}

// Where a later merge took the survivor along, undoing the earlier one names it.
func TestAnUndoNamesTheLaterMerge(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		var ids [3]identity.ID
		for n := range ids {
			ids[n] = w.signIn(t, "google", storagetest.Word()).User.ID
		}
		var merges [2]linking.Preview
		for n := range merges {
			var err error
			if merges[n], err = w.service.AdminMerge(t.Context(), nil, ids[n], ids[n+1], linking.MergeChoices{Survivor: &ids[n+1]}, false); err != nil {
				t.Fatal(err)
			}
		}
		_, err := w.service.UndoAnyMerge(t.Context(), merges[0].ID)
		storagetest.WantCode(t, "the earlier one", err, identity.CodeMergeMovedOn)
		if err == nil || !strings.Contains(err.Error(), merges[1].ID.String()) {
			t.Errorf("it does not name the later: %v", err)
		}
		for _, m := range []linking.Preview{merges[1], merges[0]} {
			if _, err := w.service.UndoAnyMerge(t.Context(), m.ID); err != nil {
				t.Error(err)
			}
		}
	})
}

// An undo gives addresses back only while they are as the merge left them.
func TestAnUndoOfAddressesIsBound(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		for _, r := range []struct {
			says    string
			without func(w *world, survivor *session.Principal, github, address string)
		}{
			{"was removed", func(w *world, survivor *session.Principal, _, address string) {
				if err := w.service.RemoveEmail(t.Context(), actorOf(survivor), survivor.User.ID, address, ""); err != nil {
					t.Fatal(err)
				}
			}},
			{"only this account", func(w *world, survivor *session.Principal, github, address string) {
				w.must(t, w.proof(identity.PurposeLink, "google", storagetest.Word(), vouched(address)), survivor)
				w.signIn(t, "github", github, vouched("new-"+address))
			}},
			{"became a sign-in method", func(w *world, survivor *session.Principal, _, address string) {
				w.must(t, w.proof(identity.PurposeLink, identity.ProviderEmail, address, vouched(address)), survivor)
			}},
		} {
			w := newWorld(d, linking.PolicyAuto)
			github, address := storagetest.Word(), "ada-"+identity.NewID().String()+"@example.com"
			survivor := w.signIn(t, "siwe", storagetest.Address(), wallet)
			source := w.signIn(t, "github", github, vouched(address))
			p, err := w.service.AdminMerge(t.Context(), nil, survivor.User.ID, source.User.ID, linking.MergeChoices{Survivor: &survivor.User.ID}, false)
			if err != nil {
				t.Fatal(err)
			}
			r.without(w, survivor, github, address)
			_, err = w.service.UndoAnyMerge(t.Context(), p.ID)
			storagetest.WantCode(t, r.says, err, identity.CodeMergeMovedOn)
			if err == nil || !strings.Contains(err.Error(), r.says) {
				t.Errorf("it says %v, want %q", err, r.says)
			}
		}
	})
}

// Of two merges about one team, the later is undone first.
func TestAnUndoNamesTheLaterMergeOfATeam(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		founder := d.User(t)
		d.Wallet(t, founder.ID)
		id := d.Team(t, founder.ID).ID
		survivor := w.signIn(t, "google", storagetest.Word()).User.ID
		d.Member(t, id, survivor, team.RoleMember)
		var merges [2]linking.Preview
		for n := range merges {
			source := w.signIn(t, "google", storagetest.Word()).User.ID
			d.Member(t, id, source, team.RoleAdmin)
			var err error
			if merges[n], err = w.service.AdminMerge(t.Context(), nil, source, survivor, linking.MergeChoices{Survivor: &survivor}, false); err != nil {
				t.Fatal(err)
			}
		}
		_, err := w.service.UndoAnyMerge(t.Context(), merges[0].ID)
		storagetest.WantCode(t, "the earlier one", err, identity.CodeMergeMovedOn)
		if err == nil || !strings.Contains(err.Error(), merges[1].ID.String()) {
			t.Errorf("it does not name the later: %v", err)
		}
	})
}
