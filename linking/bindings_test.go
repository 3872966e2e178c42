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

// pairing is a holder who has proven another account, and has a merge ticket.
type pairing struct {
	*world
	t             *testing.T
	holder, owner *session.Principal
	subject       string // of the owner's proven identity
	address       string // of the owner
	proven        string // the subject of the ticket's proof
	team          identity.ID
	ticket        string
	as            linking.TicketHolder
	preview       linking.Preview
	wishes        linking.MergeChoices
}

// newPairing returns a pairing whose ticket is by the owner's identity, or by the
// owner's address, shown to a preview. The owner's account is to survive, which
// raises the holder's role in a team.
func newPairing(t *testing.T, d *storagetest.Database, byAddress bool) *pairing {
	t.Helper()
	p := &pairing{
		world: newWorld(d, linking.PolicyAuto), t: t, subject: storagetest.Address(),
		address: identity.NewID().String() + "@example.com",
	}
	p.owner = p.signIn(t, "siwe", p.subject, wallet, func(p *identity.Proof) { p.Wallet.TermsVersion = "2026-01" })
	p.owner = principal(p.must(t, p.proof(identity.PurposeLink, "github", storagetest.Word(), vouched(p.address)), p.owner))
	p.holder = p.signIn(t, "google", storagetest.Word())
	founder := d.User(t)
	d.Wallet(t, founder.ID)
	p.team = d.Team(t, founder.ID).ID
	d.Member(t, p.team, p.owner.User.ID, team.RoleMember)
	d.Member(t, p.team, p.holder.User.ID, team.RoleAdmin)
	proof := p.proof(identity.PurposeLink, "siwe", p.subject, wallet)
	if byAddress {
		proof = p.proof(identity.PurposeLink, "google", storagetest.Word(), vouched(p.address))
	}
	p.proven = proof.Subject
	_, err := p.apply(t, proof, p.holder)
	p.ticket = ticketOf(t, err)
	p.as = linking.TicketHolder{Principal: *p.holder, BrowserHash: p.browser}
	p.wishes = linking.MergeChoices{Survivor: &p.owner.User.ID}
	if p.preview, err = p.service.PreviewMerge(t.Context(), p.as, p.ticket, p.wishes); err != nil {
		t.Fatal(err)
	}
	p.wishes.Fingerprint = p.preview.Fingerprint
	return p
}

func (p *pairing) confirm() error {
	_, _, err := p.service.ConfirmMerge(p.t.Context(), p.as, p.preview.ID, p.wishes)
	return err
}

func (p *pairing) do(fn func(ctx context.Context) error) { p.t.Helper(); p.Do(p.t, fn) }

func (p *pairing) suspend(id identity.ID) {
	p.t.Helper()
	if err := p.Exec("UPDATE users SET status = 'disabled' WHERE id = ?", id.String()); err != nil {
		p.t.Fatal(err)
	}
}

// identities are those of a user.
func (p *pairing) identities(user identity.ID) []identity.Identity {
	p.t.Helper()
	out, err := p.IdentitiesOf(p.t.Context(), []identity.ID{user})
	if err != nil {
		p.t.Fatal(err)
	}
	return out
}

// wantUnchanged runs what must be refused with a code; "" means that it is not
// there.
func (p *pairing) wantUnchanged(what string, code identity.Code, do func() error) {
	p.t.Helper()
	before := rows(p.t, p.Database)
	err := do()
	if code == identity.CodeNotFound {
		storagetest.WantNotFound(p.t, what, err)
	} else {
		storagetest.WantCode(p.t, what, err, code)
	}
	if rows(p.t, p.Database) != before {
		p.t.Errorf("%s: what was refused has changed something", what)
	}
}

// Each thing that a merge ticket is bound to, taken away by itself: neither the
// preview nor the confirmation works, and nothing changes.
func TestAMergeIsBound(t *testing.T) {
	type row struct {
		name      string
		byAddress bool
		without   func(p *pairing)
		preview   identity.Code // "" where looking is allowed still
		confirm   identity.Code
	}
	invalid := identity.CodeTicketInvalid
	table := []row{
		{"nothing", false, func(*pairing) {}, "", ""},
		{"nothing, by address", true, func(*pairing) {}, "", ""},
		{"browser", false, func(p *pairing) { p.as.BrowserHash = identity.HashSecret("another") }, invalid, invalid},
		{"no browser", false, func(p *pairing) { p.as.BrowserHash = nil }, invalid, invalid},
		{"session", false, func(p *pairing) {
			p.as.Principal = *p.signIn(p.t, "google", p.identities(p.holder.User.ID)[0].Subject)
		}, invalid, invalid},
		{"holder", false, func(p *pairing) { p.as.Principal.User = p.owner.User }, invalid, invalid},
		{"kind", false, func(p *pairing) { p.setTicket("kind = 'link'") }, invalid, invalid},
		{"used", false, func(p *pairing) { p.setTicket("used_at = created_at") }, invalid, invalid},
		{"expired", false, func(p *pairing) {
			p.Clock.Advance(linking.TicketLifetime)
			p.as.Principal.Session.AuthenticatedAt = p.Clock.Now()
		}, invalid, invalid},
		{"recently verified", false, func(p *pairing) {
			p.as.Principal.Session.AuthenticatedAt = p.Clock.Now().Add(-session.RecentlyVerifiedFor)
		}, "", identity.CodeReauthRequired},
		{"proven identity moved", false, func(p *pairing) {
			other := p.signIn(p.t, "google", storagetest.Word()).User.ID
			p.do(func(ctx context.Context) error {
				return p.MoveIdentities(ctx, []identity.ID{p.identities(p.owner.User.ID)[0].ID}, other)
			})
		}, invalid, invalid},
		{"proven identity deleted", false, func(p *pairing) {
			p.do(func(ctx context.Context) error { return p.DeleteIdentity(ctx, p.identities(p.owner.User.ID)[0].ID) })
		}, invalid, invalid},
		{"proven identity unlinked", false, func(p *pairing) {
			if err := p.service.Unlink(p.t.Context(), identity.Actor{UserID: p.owner.User.ID, SessionID: p.owner.Session.ID, RecentlyVerified: true}, p.identities(p.owner.User.ID)[0].ID); err != nil {
				p.t.Fatal(err)
			}
		}, invalid, invalid},
		{"proven address moved", true, func(p *pairing) {
			other := p.signIn(p.t, "google", storagetest.Word()).User.ID
			p.suspendPrimary()
			p.do(func(ctx context.Context) error { return p.MoveEmails(ctx, []string{p.address}, other) })
		}, invalid, invalid},
		{"the ground of the proof", true, func(p *pairing) { // it proves the owner by an identity now
			p.Identity(p.t, p.owner.User.ID, "google", p.proven)
		}, invalid, invalid},
		{"an address that still opens its owner", true, func(p *pairing) { // someone else has proven it since
			if _, err := p.apply(p.t, p.proof(identity.PurposeSignIn, "google", storagetest.Word(), vouched(p.address)), nil); identity.ErrorCode(err) != identity.CodeEmailTaken {
				p.t.Fatal(err)
			}
		}, invalid, invalid},
		{"owner is active", false, func(p *pairing) { p.suspend(p.owner.User.ID) }, identity.CodeMergeRefused, identity.CodeMergeRefused},
		{"holder is active", false, func(p *pairing) { p.suspend(p.holder.User.ID) }, identity.CodeMergeRefused, identity.CodeMergeRefused},
		{"what was shown", false, func(p *pairing) {
			p.do(func(ctx context.Context) error {
				return p.UpdateRole(ctx, team.Membership{TeamID: p.team, UserID: p.holder.User.ID, Role: team.RoleOwner})
			})
		}, "", identity.CodeMergeChanged},
		{"the choice that was shown", false, func(p *pairing) { p.wishes.Survivor = &p.holder.User.ID }, "", identity.CodeMergeChanged},
		{"a role that rises unseen", false, func(p *pairing) { p.wishes.Fingerprint = "" }, "", identity.CodeMergeChanged},
	}
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		d.Unsound() // rows are broken by hand
		for _, r := range table {
			p := newPairing(t, d, r.byAddress)
			r.without(p)
			looks := map[string]func() error{
				"preview": func() error {
					_, err := p.service.PreviewMerge(t.Context(), p.as, p.ticket, p.wishes)
					return err
				},
				"read": func() error {
					_, err := p.service.MergeFor(t.Context(), p.as, p.preview.ID, p.wishes)
					return err
				},
			}
			for what, look := range looks {
				if r.preview == "" {
					if err := look(); err != nil {
						t.Errorf("%s: %s: %v", r.name, what, err)
					}
				} else if what == "preview" {
					p.wantUnchanged(r.name+": "+what, r.preview, look)
				} else if err := look(); err == nil {
					t.Errorf("%s: %s works", r.name, what)
				}
			}
			if r.confirm != "" {
				p.wantUnchanged(r.name+": confirm", r.confirm, p.confirm)
				continue
			}
			if err := p.confirm(); err != nil {
				t.Errorf("%s: %v", r.name, err)
			}
			p.wantUnchanged(r.name+": confirm again", invalid, p.confirm)
		}
	})
}

// meanwhile is a store in which something happens after a ticket was read and before
// anything is locked, as it does to those who wait for a lock.
type meanwhile struct {
	store
	do func(ctx context.Context)
}

func (m *meanwhile) TicketByID(ctx context.Context, id identity.ID) (linking.Ticket, error) {
	t, err := m.store.TicketByID(ctx, id)
	return t, m.then(ctx, err)
}

func (m *meanwhile) TicketByToken(ctx context.Context, tokenHash []byte) (linking.Ticket, error) {
	t, err := m.store.TicketByToken(ctx, tokenHash)
	return t, m.then(ctx, err)
}

// then does it once.
func (m *meanwhile) then(ctx context.Context, err error) error {
	if do := m.do; err == nil && do != nil {
		m.do = nil
		do(ctx)
	}
	return err
}

// A ticket that was open when it was read, and is used up before its users are
// locked, gives nothing: here the owner unlinks another method, which ends their
// tickets and leaves all that the proof is decided by as it was.
func TestATicketThatEndsWhileItWaits(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		for what, redeem := range map[string]func(p *pairing) error{
			"preview": func(p *pairing) error {
				_, err := p.service.PreviewMerge(t.Context(), p.as, p.ticket, p.wishes)
				return err
			},
			"read": func(p *pairing) error {
				_, err := p.service.MergeFor(t.Context(), p.as, p.preview.ID, p.wishes)
				return err
			},
			"confirm": func(p *pairing) error { return p.confirm() },
		} {
			p := newPairing(t, d, false)
			service, other := p.service, p.identities(p.owner.User.ID)[1]
			unlinked := false
			p.service = newWorldOver(d, &meanwhile{store: d.DB, do: func(inside context.Context) {
				if d.Engine == storagetest.Postgres {
					inside = t.Context() // in a transaction of its own; SQLite has one at a time
				}
				if err := service.Unlink(inside, actorOf(p.owner), other.ID); err != nil {
					t.Error(err)
				}
				unlinked = true
			}}, linking.PolicyAuto).service
			storagetest.WantCode(t, what, redeem(p), identity.CodeTicketInvalid)
			if u, err := p.DB.User(t.Context(), p.holder.User.ID); !unlinked || err != nil || u.Status != identity.StatusActive {
				t.Errorf("%s: unlinked %v; the holder is %s, %v", what, unlinked, u.Status, err)
			}
		}
	})
}

func (p *pairing) setTicket(set string) {
	p.t.Helper()
	if err := p.Exec("UPDATE tickets SET "+set+" WHERE id = ?", p.preview.ID.String()); err != nil {
		p.t.Fatal(err)
	}
}

// suspendPrimary takes the primary mark off the owner's address, which holds on to it.
func (p *pairing) suspendPrimary() {
	p.t.Helper()
	if err := p.Exec("UPDATE users SET primary_email = NULL WHERE id = ?", p.owner.User.ID.String()); err != nil {
		p.t.Fatal(err)
	}
}

// Metadata of two users that is too large together stays within what a user may have:
// the preview offers one of the two, whole, and undoing gives each its own.
func TestMergedMetadataStaysWithinItsLimit(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		for _, side := range []linking.Side{"", linking.SideSource} {
			w := newWorld(d, linking.PolicyAuto)
			var ids [2]identity.ID
			var kept [2]identity.RawMetadata
			for n, key := range []string{"survivor", "source"} {
				ids[n] = w.signIn(t, "google", storagetest.Word()).User.ID
				kept[n] = identity.Metadata{key: strings.Repeat("x", 10<<10), "both": "the same"}.Raw()
				if err := d.Exec("UPDATE users SET metadata = ? WHERE id = ?", string(kept[n]), ids[n].String()); err != nil {
					t.Fatal(err)
				}
			}
			choices := linking.MergeChoices{Survivor: &ids[0], Choices: map[string]linking.Side{}}
			want := kept[0]
			if side != "" {
				choices.Choices["metadata"], want = side, kept[1]
			}
			p, err := w.service.AdminMerge(t.Context(), nil, ids[0], ids[1], choices, false)
			if err != nil {
				t.Fatal(err)
			}
			named := 0
			for _, c := range p.Conflicts {
				if strings.HasPrefix(c.Field, "metadata") {
					named++
					if c.Field != "metadata" || (c.Choice == linking.SideSource) != (side != "") {
						t.Errorf("a conflict %s, by %s", c.Field, c.Choice)
					}
				}
			}
			u, err := w.DB.User(t.Context(), ids[0])
			if err != nil || named != 1 || u.Metadata != want || identity.CheckMetadata(u.Metadata.Map()) != nil {
				t.Errorf("%d conflicts; kept are %d bytes, %v", named, len(u.Metadata), err)
			}
			if _, err := w.service.UndoAnyMerge(t.Context(), p.ID); err != nil {
				t.Fatal(err)
			}
			for n, id := range ids {
				if u, err := w.DB.User(t.Context(), id); err != nil || u.Metadata != kept[n] {
					t.Errorf("an undo gave back %d bytes of %d, %v", len(u.Metadata), len(kept[n]), err)
				}
			}
		}
	})
}

// An operator's merge asks for a recent sign-in, and for the preview it names.
func TestAnAdminMergeIsBound(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		p := newPairing(t, d, false)
		by := identity.Actor{UserID: d.User(t, func(u *identity.User) { u.Operator = true }).ID, SessionID: identity.NewID(), RecentlyVerified: true}
		d.Wallet(t, by.UserID)
		merge := func(by identity.Actor, fingerprint string) error {
			_, err := p.service.AdminMerge(t.Context(), &by, p.holder.User.ID, p.owner.User.ID, linking.MergeChoices{Fingerprint: fingerprint}, false)
			return err
		}
		stale := by
		stale.RecentlyVerified = false
		p.wantUnchanged("not recently verified", identity.CodeReauthRequired, func() error { return merge(stale, "") })
		p.wantUnchanged("another preview", identity.CodeMergeChanged, func() error { return merge(by, strings.Repeat("0", 32)) })
		if err := merge(by, ""); err != nil {
			t.Error(err)
		}
	})
}

// A merge takes the vouchers of the source along, and ends its recovery codes.
func TestWhatAMergeTakesAlong(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		address := "ada-" + identity.NewID().String() + "@example.com"
		survivor := w.signIn(t, "google", storagetest.Word())
		source := w.signIn(t, "github", storagetest.Word(), vouched(address))
		if _, _, err := w.service.NewRecoveryCodes(t.Context(), actorOf(source)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.service.AdminMerge(t.Context(), nil, survivor.User.ID, source.User.ID, linking.MergeChoices{Survivor: &survivor.User.ID}, false); err != nil {
			t.Fatal(err)
		}
		live, err := w.LiveVouchers(t.Context(), survivor.User.ID)
		if err != nil || len(live) != 1 || live[0].Address != address {
			t.Errorf("the survivor has the vouchers %+v, %v", live, err)
		}
		if left, _, err := w.RecoveryCodes(t.Context(), source.User.ID); err != nil || left != 0 {
			t.Errorf("%d recovery codes of the source work, %v", left, err)
		}
	})
}
