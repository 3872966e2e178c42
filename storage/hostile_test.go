package storage_test

import (
	"context"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

// hostile are texts that have broken queries written as text, as bun writes
// them: arguments are part of the SQL.
var hostile = []string{
	`'`, `''`, `"`, "`", `\`, `\\`, `\'`, `'; DROP TABLE users; --`, `$1`, `$$`, `$tag$'$tag$`, `?`, `?0`, `?1`, `??`, `? ?`, `?TableName`, `?PKs`, `:name`, `@p1`, `{}`,
	`%`, `_`, `%%`, `!`, `E'\x27'`, "/* */", "-- x", ";", "\t\r\n", "\u0001", "\u007f", "\u2028", "\ufeff", "\U0001F511", "e\u0301", "\u212a\u0130", "\u202e",
	`\u0000`, `\\u0000`, `\u0027`, `\n`, `\x00`, "", " ", "null", "NULL", "true", "1", strings.Repeat("'?\\", 500),
}

func testHostileText(t *testing.T, d *storagetest.Database) {
	t.Run("in columns", func(t *testing.T) {
		for _, text := range hostile {
			u := d.User(t, func(u *identity.User) { u.DisplayName, u.AvatarURL = text, text })
			got, err := d.DB.User(t.Context(), u.ID)
			if err != nil || got.DisplayName != text || got.AvatarURL != text {
				t.Errorf("%q came back as %q, %q, %v", text, got.DisplayName, got.AvatarURL, err)
			}
			s := d.Session(t, u.ID, func(s *session.Session) { s.UserAgent = text })
			p, err := d.PrincipalByToken(t.Context(), s.TokenHash)
			if err != nil || p.Session.UserAgent != text || p.User.DisplayName != text {
				t.Errorf("%q came back as %q, %v", text, p.Session.UserAgent, err)
			}
		}
	})

	t.Run("in keys", func(t *testing.T) {
		for _, text := range hostile {
			u := d.User(t)
			d.Identity(t, u.ID, "google", text)
			_, owner, err := d.IdentityOwner(t.Context(), "google", text)
			if err != nil || owner.ID != u.ID {
				t.Errorf("%q finds %s, %v", text, owner.ID, err)
			}
			d.Email(t, u.ID, text)
			if id, err := d.EmailOwner(t.Context(), text); err != nil || id != u.ID {
				t.Errorf("address %q is of %s, %v", text, id, err)
			}
		}
	})

	t.Run("in metadata", func(t *testing.T) {
		whole := identity.Metadata{}
		for _, text := range hostile {
			m := identity.Metadata{"value": text, "k" + text: "key", "deep": []any{map[string]any{text: []any{text, nil}}}}
			whole["k"+text] = m
			u := d.User(t, func(u *identity.User) { u.Metadata = m.Raw() })
			storagetest.Same(t, must[identity.User](t)(d.DB.User(t.Context(), u.ID)).Metadata.Map(), m)
		}
		u := d.User(t)
		u.Metadata = whole.Raw()
		d.Do(t, func(ctx context.Context) error { return d.UpdateUser(ctx, u) })
		storagetest.Same(t, len(must[identity.User](t)(d.DB.User(t.Context(), u.ID)).Metadata.Map()), len(hostile))
		event := identity.Event{ID: identity.NewID(), At: d.Clock.Now(), Action: "x", Data: whole}
		d.Do(t, func(ctx context.Context) error { return d.RecordEvents(ctx, event) })
	})

	// Neither engine keeps a NUL in text, and only valid UTF-8 is text. Layers
	// above refuse both; the store must answer alike, and never fail on a read.
	t.Run("what is no text", func(t *testing.T) {
		for _, text := range []string{"a\x00b", "\xff", "\xed\xa0\x80", "\x00"} {
			page := identity.Page{Limit: 5}
			if rows, err := d.Users(t.Context(), identity.UserFilter{Email: text, Wallet: text}, page); err != nil || len(rows) > 0 {
				t.Errorf("users by %q: %d, %v", text, len(rows), err)
			}
			if rows, err := d.DB.Sessions(t.Context(), session.Filter{Provider: text}, d.Clock.Now(), page); err != nil || len(rows) > 0 {
				t.Errorf("sessions by %q: %d, %v", text, len(rows), err)
			}
			_, err := d.EmailOwner(t.Context(), text)
			storagetest.WantNotFound(t, "address", err)
			_, _, err = d.IdentityOwner(t.Context(), text, text)
			storagetest.WantNotFound(t, "identity", err)
			u := d.User(t, func(u *identity.User) { u.Metadata = identity.Metadata{"v": text, text: "k"}.Raw() })
			storagetest.Same(t, len(must[identity.User](t)(d.DB.User(t.Context(), u.ID)).Metadata.Map()), 2)
		}
	})

	storagetest.Same(t, d.Count(t, "teams"), 0) // and nothing was dropped
}
