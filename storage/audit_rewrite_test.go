package storage_test

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// recordPlain writes an event as releases did between migrations 36 and 53: for the
// sealer, with its values in plain.
func recordPlain(t *testing.T, d *storagetest.Database, events ...identity.Event) {
	t.Helper()
	for _, e := range events {
		data, err := e.Data.Value()
		if err != nil {
			t.Fatal(err)
		}
		text := func(id *identity.ID) any {
			if id == nil {
				return nil
			}
			return id.String()
		}
		err = d.Exec(`INSERT INTO audit_events (id, at, action, actor_id, user_id, team_id, session_id, ip, user_agent, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			e.ID.String(), e.At.UTC().Format("2006-01-02 15:04:05.999999999-07:00"), string(e.Action), text(e.ActorID), text(e.UserID), text(e.TeamID), text(e.SessionID), e.IP, e.UserAgent, data)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// rewriteAll rewrites by batches of a few events, with a check between them.
func rewriteAll(t *testing.T, d *storagetest.Database, between func(n int)) {
	t.Helper()
	for n := 0; ; n++ {
		more, err := d.RewriteAudit(t.Context(), func(v string) []string { return []string{"erased:" + v} }, d.Clock.Now(), 2)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return
		}
		if n > 100 {
			t.Fatal("it does not end")
		}
		if between != nil {
			between(n)
		}
	}
}

// Values of old events go behind keys. The chains get new hashes and are whole at each
// step, and heads that were kept from before are known.
func TestAuditRewrite(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		d.SealAuditWith(identity.Secrets{"a secret that is long enough for this"})
		team, untouched := identity.NewID(), identity.NewID()
		about := func(e *identity.Event) {
			e.UserID = new(identity.NewID())
			e.Data = identity.Metadata{"email": "old@private.example", "reason": "signed_in", "identity_id": identity.NewID()}
		}
		d.Record(t, d.Event(&team), d.Event(&untouched)) // as now
		d.Seal(t)
		d.RecordChained(t, team, d.Event(&team, about), d.Event(&team, about))
		for range 2 {
			recordPlain(t, d, d.Event(&team, about), d.Event(nil, about), d.Event(nil, about))
			d.Seal(t)
		}
		d.Record(t, d.Event(&team), d.Event(nil))
		d.Seal(t)
		var kept []string
		for _, chain := range []identity.ID{team, audit.Deployment} {
			for _, l := range must[[]audit.Link](t)(d.Links(t.Context(), chain, 0, 50)) {
				kept = append(kept, hex.EncodeToString(l.Hash))
			}
		}
		alike := hex.EncodeToString(must[audit.Head](t)(d.Head(t.Context(), untouched)).Hash)
		if n := d.Count(t, "audit_events WHERE ip <> '' OR CAST(data AS TEXT) LIKE '%private.example%'"); n != 8 {
			t.Fatalf("%d events have values in plain", n)
		}
		settle(t, d)
		if files := archiveAll(t, d.DB, t.TempDir()); len(files) != 1 || files[0].Events != 2 {
			t.Fatalf("what has values in plain is archived: %+v", files)
		}
		kept = kept[1:]
		rewriteAll(t, d, func(n int) {
			if n == 1 { // replicas go on meanwhile, also of releases before
				d.Record(t, d.Event(&team), d.Event(nil))
				recordPlain(t, d, d.Event(nil, about))
			}
			if breaks, _, _ := d.Breaks(t, nil, kept...); len(breaks) > 0 {
				t.Fatalf("after step %d: %q", n, breaks)
			}
		})
		d.Seal(t)
		rewriteAll(t, d, nil) // what the release before wrote
		if n := d.Count(t, "audit_events WHERE form = 0 OR ip <> '' OR CAST(data AS TEXT) LIKE '%private.example%' OR CAST(data AS TEXT) LIKE '%192.0.2.1%'"); n != 0 {
			t.Errorf("%d events have values in plain", n)
		}
		breaks, events, heads := d.Breaks(t, nil, append(kept, alike)...)
		if len(breaks) > 0 || len(heads) != 3 {
			t.Errorf("%d events, %v: %q", events, heads, breaks)
		}
		rows := must[[]audit.Record](t)(d.Events(t.Context(), audit.Filter{Action: identity.ActionAuditRewritten}, identity.Page{Limit: 9}))
		if len(rows) < 2 {
			t.Errorf("%d events name former heads", len(rows))
		}
		shown := 0
		for _, r := range must[[]audit.Record](t)(d.Events(t.Context(), audit.Filter{}, identity.Page{Limit: 90})) {
			if r.Data["email"] == "old@private.example" && r.IP == "192.0.2.1" && r.Data["reason"] == "signed_in" {
				shown++
			}
		}
		if shown != 9 {
			t.Errorf("%d events show their values, want 9", shown)
		}
		if found := must[[]audit.Record](t)(d.Events(t.Context(), audit.Filter{IP: "192.0.2.1"}, identity.Page{Limit: 90})); len(found) < 9 {
			t.Errorf("%d events are found by address", len(found))
		}
		d.Unguarded(t, "UPDATE audit_former_hashes SET hashes = prev FROM (SELECT hash AS prev FROM audit_heads LIMIT 1) AS h WHERE length(hashes) = 32")
		if breaks, _, _ := d.Breaks(t, nil); len(breaks) == 0 && d.Count(t, "audit_former_hashes WHERE length(hashes) = 32") > 0 {
			t.Error("former hashes were changed, and it is not found")
		}
		d.Unsound()
	})
}

// Who was erased before gets no keys, and what is broken is not made whole.
func TestAuditRewriteOfErasedAndBroken(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		d.SealAuditWith(identity.Secrets{"a secret that is long enough for this"})
		disabled := func(u *identity.User) { u.Status = identity.StatusDisabled }
		gone, stays := d.User(t, disabled), d.User(t, disabled)
		by := func(u identity.User, text string) func(e *identity.Event) {
			return func(e *identity.Event) {
				e.ActorID, e.UserID, e.Data = &u.ID, &u.ID, identity.Metadata{"email": text}
			}
		}
		recordPlain(t, d, d.Event(nil, by(gone, "gone@private.example")), d.Event(nil, by(stays, "stays@example.com")))
		d.Seal(t)
		d.Do(t, func(ctx context.Context) error {
			return d.Erase(ctx, []identity.ID{gone.ID}, func(string) string { return "x" }, d.Clock.Now())
		})
		if err := d.Exec("INSERT INTO deletions (user_id, requested_at, deletes_at, restores_to, erased_at) VALUES (?, ?, ?, 'active', ?)", gone.ID.String(), instant, instant, instant); err != nil {
			t.Fatal(err)
		}
		rewriteAll(t, d, nil)
		var texts []string
		for _, r := range must[[]audit.Record](t)(d.Events(t.Context(), audit.Filter{}, identity.Page{Limit: 9})) {
			if email, ok := r.Data["email"].(string); ok {
				texts = append(texts, email)
			}
		}
		storagetest.Same(t, texts, []string{"stays@example.com"})

		team := identity.NewID()
		recordPlain(t, d, d.Event(&team), d.Event(&team), d.Event(&team))
		d.Seal(t)
		d.Unguarded(t, "UPDATE audit_events SET action = 'forged' WHERE team_id = '"+team.String()+"' AND id = (SELECT event_id FROM audit_seals WHERE chain = '"+team.String()+"')")
		rewriteAll(t, d, nil)
		breaks, _, _ := d.Breaks(t, &team)
		if len(breaks) != 1 || !strings.Contains(breaks[0], "event 3: it was changed") {
			t.Errorf("it was made whole: %q", breaks)
		}
		b := must[audit.Backlog](t)(d.Backlog(t.Context()))
		if b.NotWhole != 1 || b.Rewriting != 0 {
			t.Errorf("%+v", b)
		}
		d.Unsound()
	})
}
