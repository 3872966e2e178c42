package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// What was revoked long ago goes, but not before the sessions that were made by it.
func TestSweepTakesRevokedGrants(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		now := d.Clock.Now()
		before := now.Add(-30 * 24 * time.Hour)
		u, app := d.User(t), d.OAuthClient(t)
		grant := func(revoked *time.Time) identity.ID {
			g := client.Grant{ID: identity.NewID(), UserID: u.ID, ClientID: app.ID, Scopes: client.Words{"openid"}, CreatedAt: before, UpdatedAt: before}
			d.Do(t, func(ctx context.Context) error {
				if err := d.InsertClientGrant(ctx, g); err != nil || revoked == nil {
					return err
				}
				_, err := d.RevokeClientGrants(ctx, client.Of{Grant: &g.ID}, *revoked)
				return err
			})
			return g.ID
		}
		old, of := before.Add(-time.Second), before.Add(time.Second)
		gone, used, late := grant(&old), grant(&old), grant(&of)
		live := grant(nil)
		parent := d.Session(t, u.ID)
		made := d.Session(t, u.ID, func(s *session.Session) {
			s.Kind, s.ClientID, s.GrantID, s.ParentID = session.KindApplication, &app.ID, &used, &parent.ID
		})
		sweep := func(want int64) {
			t.Helper()
			if n, err := d.Sweep(t.Context(), now, before); err != nil || n != want {
				t.Errorf("swept %d, %v; want %d", n, err, want)
			}
		}
		sweep(1)
		for _, id := range []identity.ID{used, late, live} {
			if _, err := d.ClientGrantByID(t.Context(), id); err != nil {
				t.Errorf("grant %s: %v", id, err)
			}
		}
		_, err := d.ClientGrantByID(t.Context(), gone)
		storagetest.WantNotFound(t, "a grant revoked long ago", err)
		if err := d.Exec("UPDATE sessions SET ended_at = ?, end_reason = 'signed_out' WHERE id = ?", old, made.ID); err != nil {
			t.Fatal(err)
		}
		sweep(2) // the session, then its grant
		_, err = d.ClientGrantByID(t.Context(), used)
		storagetest.WantNotFound(t, "the grant of a session that went", err)
	})
}
