package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/apikey"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func TestAPIKeyCommands(t *testing.T) {
	environ := map[string]string{"LATCHKEY_DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "x.db")}
	if code, _, stderr := latchkey(t, environ, "migrate", "up"); code != 0 {
		t.Fatal(stderr)
	}
	code, out, stderr := latchkey(t, nil, "admin", "api-key", "create", "--name", "billing", "--scope", "introspect,admin:read")
	key := strings.TrimSpace(out)
	if code != 0 || !strings.HasPrefix(key, "lk_") || len(key) != 59 || strings.Contains(stderr, key) {
		t.Fatalf("exits %d and says %q, %s", code, out, stderr)
	}
	_, list, _ := latchkey(t, nil, "admin", "api-key", "list")
	if !strings.Contains(list, key[:15]+"  billing  [admin:read introspect]  until ") || strings.Contains(list, key[16:]) {
		t.Errorf("%s", list)
	}
	id := strings.Fields(list)[0]
	if code, _, stderr := latchkey(t, nil, "admin", "api-key", "revoke", id); code != 0 {
		t.Errorf("exits %d and says %s", code, stderr)
	}
	if _, list, _ := latchkey(t, nil, "admin", "api-key", "list"); !strings.Contains(list, "revoked ") {
		t.Errorf("%s", list)
	}
	for says, args := range map[string][]string{
		"scopes":      {"create", "--name", "x", "--scope", "root"},
		"366 days":    {"create", "--name", "x", "--scope", "introspect", "--days", "400"},
		"no such key": {"revoke", "01a1fe31-9906-7bc0-9b24-2b1d5cf5ff2b"},
	} {
		if code, _, stderr := latchkey(t, nil, append([]string{"admin", "api-key"}, args...)...); code != 1 || !strings.Contains(stderr, says) {
			t.Errorf("%v: exits %d and says %s", args, code, stderr)
		}
	}
}

// Revoking a key ends, where that is asked for, the sessions that it vouched for and no
// other, also when the key was revoked before.
func TestRevokedKeysEndSessions(t *testing.T) {
	d := storagetest.Open(t, "sqlite")
	environ := map[string]string{"LATCHKEY_DATABASE_URL": d.URL}
	user, now := d.User(t), d.Clock.Now()
	key := func() identity.ID {
		_, hash := identity.NewSecret()
		k := apikey.Key{
			ID: identity.NewID(), SecretHash: hash, Prefix: identity.NewID().String()[24:], Name: "legacy", Scopes: apikey.Scopes{apikey.ScopeProofsWrite},
			Proves: "backend:" + storagetest.Word(), CreatedAt: now, ExpiresAt: now.Add(1000 * time.Hour),
		}
		d.Do(t, func(ctx context.Context) error { return d.InsertAPIKey(ctx, k) })
		return k.ID
	}
	of := func(key *identity.ID) session.Session {
		return d.Session(t, user.ID, func(s *session.Session) {
			s.KeyID, s.IdleExpiresAt, s.ExpiresAt = key, time.Now().Add(time.Hour), time.Now().Add(time.Hour)
		})
	}
	mine, other := key(), key()
	vouched, stays := []session.Session{of(&mine), of(&mine)}, []session.Session{of(&other), of(nil)}
	revoke := func(says string, args ...string) {
		t.Helper()
		if code, out, stderr := latchkey(t, environ, append([]string{"admin", "api-key", "revoke"}, args...)...); code != 0 || out != says {
			t.Fatalf("exits %d and says %q, %s", code, out, stderr)
		}
	}
	ended := func(of []session.Session) (n int) {
		for _, s := range of {
			n += d.Count(t, "sessions WHERE ended_at IS NOT NULL AND id = '"+s.ID.String()+"'")
		}
		return n
	}
	revoke("", mine.String())
	if n := ended(vouched); n != 0 {
		t.Errorf("%d sessions ended unasked", n)
	}
	revoke("2 sessions ended\n", mine.String(), "--end-sessions")
	if ended(vouched) != 2 || ended(stays) != 0 {
		t.Errorf("%d and %d ended", ended(vouched), ended(stays))
	}
	revoke("0 sessions ended\n", mine.String(), "--end-sessions")
}
