package linking_test

import (
	"context"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
)

// Each thing that unlinking is bound to, taken away by itself.
func TestAnUnlinkIsBound(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		for _, r := range []struct {
			name    string
			without func(p *pairing, by *identity.Actor, id *identity.ID)
			code    identity.Code
		}{
			{"nothing", func(*pairing, *identity.Actor, *identity.ID) {}, ""},
			{"owner", func(p *pairing, _ *identity.Actor, id *identity.ID) { *id = p.identities(p.holder.User.ID)[0].ID }, identity.CodeNotFound},
			{"recently verified", func(_ *pairing, by *identity.Actor, _ *identity.ID) { by.RecentlyVerified = false }, identity.CodeReauthRequired},
			{"active", func(p *pairing, _ *identity.Actor, _ *identity.ID) { p.suspend(p.owner.User.ID) }, identity.CodeNotFound},
			{"a method is left", func(p *pairing, by *identity.Actor, id *identity.ID) {
				*id = p.identities(p.holder.User.ID)[0].ID
				by.UserID = p.holder.User.ID
			}, identity.CodeLastIdentity},
			{"a usable method is left", func(p *pairing, _ *identity.Actor, _ *identity.ID) {
				p.service = linking.NewService(p.DB, nil, linking.Options{Usable: func(provider string) bool { return provider == "siwe" }}, p.Clock.Now)
			}, identity.CodeLastIdentity},
			{"once", func(p *pairing, by *identity.Actor, id *identity.ID) {
				if err := p.service.Unlink(p.t.Context(), *by, *id); err != nil {
					p.t.Fatal(err)
				}
			}, identity.CodeNotFound},
		} {
			p := newPairing(t, d, false)
			all := p.identities(p.owner.User.ID)
			id := all[0].ID // the wallet
			by := p.owner.Actor(p.Clock.Now(), identity.RequestOrigin{})
			by.RecentlyVerified = true
			made := p.signIn(t, "siwe", p.subject, wallet)
			other := p.signIn(t, "github", all[1].Subject)
			r.without(p, &by, &id)
			unlink := func() error { return p.service.Unlink(t.Context(), by, id) }
			if r.code != "" {
				p.wantUnchanged(r.name, r.code, unlink)
				continue
			}
			if err := unlink(); err != nil {
				t.Errorf("%s: %v", r.name, err)
			}
			for s, ended := range map[identity.ID]bool{made.Session.ID: true, other.Session.ID: false} {
				p.do(func(ctx context.Context) error {
					got, err := p.LockSession(ctx, s)
					if err == nil && (got.EndedAt != nil) != ended {
						t.Errorf("a session ended: %v, want %v", got.EndedAt != nil, ended)
					}
					return err
				})
			}
			if left := p.identities(p.owner.User.ID); len(left) != 1 || left[0].ID != all[1].ID {
				t.Errorf("left are %+v", left)
			}
		}
	})
}

// What a user unlinked and has linked again is as any of theirs.
func TestLinkedAgain(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		p := newPairing(t, d, false)
		by := p.owner.Actor(p.Clock.Now(), identity.RequestOrigin{})
		by.RecentlyVerified = true
		all, before := p.identities(p.owner.User.ID), d.Count(t, "unlinked_identities")
		other := p.signIn(t, "github", all[1].Subject)
		if err := p.service.Unlink(t.Context(), by, all[0].ID); err != nil {
			t.Fatal(err)
		}
		if d.Count(t, "unlinked_identities") != before+1 {
			t.Error("it is not kept who unlinked it")
		}
		p.must(t, p.proof(identity.PurposeLink, "siwe", p.subject, wallet), other)
		if n := d.Count(t, "unlinked_identities"); n != before {
			t.Errorf("%d are still unlinked", n-before)
		}
	})
}

// Each thing that removing an address is bound to, taken away by itself.
func TestARemovalIsBound(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		p := newPairing(t, d, false)
		by := actorOf(p.owner)
		stale := by
		stale.RecentlyVerified = false
		remove := func(by identity.Actor, user identity.ID) func() error {
			return func() error { return p.service.RemoveEmail(t.Context(), by, user, p.address, "") }
		}
		p.wantUnchanged("not recently verified", identity.CodeReauthRequired, remove(stale, p.owner.User.ID))
		p.wantUnchanged("another user's", identity.CodeNotFound, remove(actorOf(p.holder), p.holder.User.ID))
		mailbox := "mail-" + p.address
		only := p.signIn(t, identity.ProviderEmail, mailbox, vouched(mailbox))
		p.wantUnchanged("the only method", identity.CodeLastIdentity, func() error {
			return p.service.RemoveEmail(t.Context(), actorOf(only), only.User.ID, mailbox, "")
		})
		if err := remove(by, p.owner.User.ID)(); err != nil {
			t.Fatal(err)
		}
		if _, err := p.service.PreviewMerge(t.Context(), p.as, p.ticket, p.wishes); identity.ErrorCode(err) != identity.CodeTicketInvalid {
			t.Errorf("a ticket outlives the address: %v", err)
		}
	})
}
