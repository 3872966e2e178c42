package linking_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/linking"
	"github.com/latchkey/latchkey/storage"
)

// mute is a store that cannot write audit events.
type mute struct{ *storage.DB }

var errMute = errors.New("no event can be written")

func (mute) RecordEvents(context.Context, ...identity.Event) error { return errMute }

// rows are all rows of what a proof may change.
func rows(t *testing.T, d *storagetest.Database) string {
	t.Helper()
	var out strings.Builder
	for _, table := range []string{"users", "emails", "identities", "sessions", "tickets", "burned_secrets", "audit_events"} {
		r, err := d.SQL.QueryContext(t.Context(), "SELECT * FROM "+table+" ORDER BY 1")
		if err != nil {
			t.Fatal(err)
		}
		columns, _ := r.Columns()
		for r.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := r.Scan(into...); err != nil {
				t.Fatal(err)
			}
			for _, v := range values {
				if b, ok := v.([]byte); ok { // bytes of a hash, or of JSON
					v = hex.EncodeToString(b) + " " + string(b)
				}
				fmt.Fprintf(&out, "%v|", v)
			}
			out.WriteString("\n")
		}
		if err := errors.Join(r.Err(), r.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// No change without its audit event: where the event cannot be written, nothing
// has happened, and the proof can be used again.
func TestNothingHappensWithoutItsEvent(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyConfirm)
		ada := w.signIn(t, "google", "ada", vouched("ada@example.com"))
		bob := w.signIn(t, "google", "bob")
		spare := principal(w.must(t, w.proof(identity.PurposeLink, "siwe", "0xada", wallet), ada))
		muted := newWorldOver(d, mute{d.DB}, linking.PolicyConfirm)
		auto := newWorldOver(d, mute{d.DB}, linking.PolicyAuto)
		for name, c := range map[string]struct {
			w       *world
			proof   identity.Proof
			current *session.Principal
			then    string
		}{
			"create":          {muted, w.proof(identity.PurposeSignIn, "google", "new", vouched("new@example.com")), nil, "created"},
			"sign in":         {muted, w.proof(identity.PurposeSignIn, "google", "ada"), nil, "signed_in"},
			"join":            {auto, w.proof(identity.PurposeSignIn, "github", "joined", vouched("ada@example.com")), nil, "email_taken"},
			"link":            {muted, w.proof(identity.PurposeLink, "siwe", "0xbob", wallet), bob, "linked"},
			"step up":         {muted, w.proof(identity.PurposeStepUp, "google", "ada"), spare, "stepped_up"},
			"refuse, ticket":  {muted, w.proof(identity.PurposeSignIn, "github", "x", vouched("ada@example.com")), nil, "email_taken"},
			"refuse, nothing": {muted, w.proof(identity.PurposeLink, "github", "x"), nil, "unauthenticated"},
		} {
			before := rows(t, d)
			if _, err := c.w.apply(t, c.proof, c.current); !errors.Is(err, errMute) {
				t.Errorf("%s: %v", name, err)
			}
			if rows(t, d) != before {
				t.Errorf("%s: something stayed without its event", name)
			}
			var again tally
			r, err := w.apply(t, c.proof, c.current)
			again.add(r, err)
			if again.counts[c.then] != 1 {
				t.Errorf("%s, with events again: %v, want %s", name, again.counts, c.then)
			}
			if err == nil && c.current == bob {
				bob = principal(r)
			}
		}
	})
}

// Every proof leaves an event that tells what was decided and why, and no row
// anywhere holds a token, a ticket or a secret in the clear.
func TestEventsTellEverythingButSecrets(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyConfirm)
		var secrets []string
		do := func(p identity.Proof, current *session.Principal, actions ...string) linking.Result {
			t.Helper()
			before := d.Count(t, "audit_events")
			r, err := w.apply(t, p, current)
			var refusal *identity.Error
			if errors.As(err, &refusal) && refusal.Ticket != "" {
				secrets = append(secrets, refusal.Ticket)
			}
			if err == nil {
				secrets = append(secrets, r.Token)
			}
			if got := d.Count(t, "audit_events") - before; got != len(actions) {
				t.Errorf("%s %s: %d events, want %v", p.Purpose, p.Subject, got, actions)
			}
			text := rows(t, d)
			for _, action := range actions {
				if !strings.Contains(text, action) {
					t.Errorf("no event %s", action)
				}
			}
			return r
		}
		ada := do(w.proof(identity.PurposeSignIn, "google", "ada", vouched("ada@example.com")), nil, "user.created", "session.created")
		do(w.proof(identity.PurposeSignIn, "google", "ada"), nil, "session.created")
		do(w.proof(identity.PurposeSignIn, "github", "ada", vouched("ada@example.com")), nil, "proof.refused")
		linked := do(w.proof(identity.PurposeLink, "siwe", "0xada", wallet), principal(ada), "identity.linked", "session.rotated")
		bob := do(w.proof(identity.PurposeSignIn, "google", "bob"), nil, "user.created", "session.created")
		do(w.proof(identity.PurposeLink, "siwe", "0xada", wallet), principal(bob), "proof.refused")
		do(w.proof(identity.PurposeStepUp, "google", "bob"), principal(linked), "proof.refused")

		text := rows(t, d)
		if len(secrets) != 6 {
			t.Errorf("%d secrets were given out", len(secrets))
		}
		for _, secret := range secrets {
			raw, err := base64.RawURLEncoding.DecodeString(secret)
			if err != nil || strings.Contains(text, secret) || strings.Contains(text, hex.EncodeToString(raw)) {
				t.Errorf("a secret is stored as it is, or is none: %v", err)
			}
			// Its hash is what it is known by, and audit events hold not even that.
			events := text[strings.LastIndex(text, "user.created"):]
			if strings.Contains(events, hex.EncodeToString(identity.HashSecret(secret))) {
				t.Error("an event holds a hash")
			}
		}
	})
}

// A ticket is bound: to whom it is about, who held it, by which session, in
// which browser, and to the very proof.
func TestTicketsAreBound(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyConfirm)
		ada, bob := w.signIn(t, "siwe", "0xada", wallet), w.signIn(t, "google", "bob", vouched("bob@example.com"))
		ticket := func(p identity.Proof, current *session.Principal) linking.Ticket {
			t.Helper()
			_, err := w.apply(t, p, current)
			var refusal *identity.Error
			if !errors.As(err, &refusal) || refusal.Ticket == "" {
				t.Fatalf("no ticket: %v", err)
			}
			if strings.Contains(refusal.Detail, ada.User.ID.String()) || strings.Contains(refusal.Detail, "bob@") {
				t.Errorf("the refusal tells of the other: %s", refusal.Detail)
			}
			var out linking.Ticket
			d.Do(t, func(ctx context.Context) (err error) {
				out, err = d.LockTicket(ctx, identity.HashSecret(refusal.Ticket))
				return err
			})
			if string(out.BrowserHash) != string(w.browser) || out.Proof.Subject != p.Subject || out.Proof.Secret != nil ||
				out.UsedAt != nil || !out.ExpiresAt.Equal(d.Clock.Now().Add(15*time.Minute)) {
				t.Errorf("%+v", out)
			}
			return out
		}
		m := ticket(w.proof(identity.PurposeLink, "siwe", "0xada", wallet), bob)
		storagetest.Same(t, []any{m.Kind, m.OwnerID, m.HolderID, m.SessionID}, []any{"merge", ada.User.ID, bob.User.ID, bob.Session.ID})
		l := ticket(w.proof(identity.PurposeSignIn, "github", "b", vouched("bob@example.com")), nil)
		storagetest.Same(t, []any{l.Kind, l.OwnerID, l.HolderID, l.SessionID}, []any{"link", bob.User.ID, nil, nil})
	})
}

// What changed between the request and its transaction counts as it is now.
func TestWhoIsSignedInIsLookedAtAgain(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyAuto)
		for name, change := range map[string]func(p *session.Principal){
			"rotated": func(p *session.Principal) { w.must(t, w.proof(identity.PurposeStepUp, "google", name(p)), p) },
			"ended": func(p *session.Principal) {
				d.Do(t, func(ctx context.Context) error {
					_, err := d.EndSessions(ctx, p.User.ID, session.SessionSelector{}, "over", d.Clock.Now())
					return err
				})
			},
			"disabled": func(p *session.Principal) {
				if err := d.Exec("UPDATE users SET status = 'disabled' WHERE id = ?", p.User.ID.String()); err != nil {
					t.Fatal(err)
				}
			},
		} {
			subject := storagetest.Word()
			p := w.signIn(t, "google", subject)
			p.User.DisplayName = subject
			change(p)
			for _, proof := range []identity.Proof{
				w.proof(identity.PurposeLink, "siwe", storagetest.Address(), wallet), w.proof(identity.PurposeStepUp, "google", subject),
			} {
				before := d.Count(t, "identities")
				_, err := w.apply(t, proof, p)
				storagetest.WantCode(t, name+" "+string(proof.Purpose), err, identity.CodeUnauthenticated)
				if d.Count(t, "identities") != before {
					t.Errorf("%s: linked", name)
				}
			}
		}
	})
}

func name(p *session.Principal) string { return p.User.DisplayName }

func TestARefusedProofIsUsedUp(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		w := newWorld(d, linking.PolicyOff)
		w.signIn(t, "google", "ada", vouched("ada@example.com"))
		p := w.proof(identity.PurposeSignIn, "github", "ada", vouched("ada@example.com"))
		_, err := w.apply(t, p, nil)
		storagetest.WantCode(t, "first", err, identity.CodeEmailTaken)
		_, err = w.apply(t, p, nil)
		storagetest.WantCode(t, "again", err, identity.CodeProofUsed)
		storagetest.WantCode(t, "by itself", w.service.Burn(t.Context(), *p.Secret), identity.CodeProofUsed)

		// A shown address without a voucher never matters.
		r := w.must(t, w.proof(identity.PurposeSignIn, "github", "eve", shown("ada@example.com")), nil)
		storagetest.Same(t, []any{r.Outcome, r.User.PrimaryEmail, d.Count(t, "emails")}, []any{"created", nil, 1})
	})
}
