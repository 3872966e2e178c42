package authserver_test

import (
	"context"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/authserver"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
	"github.com/latchkey/latchkey/storage"
)

// families is a store that says whether a refresh is in its transaction.
type families struct {
	*storage.DB
	open atomic.Bool
}

func (s *families) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.DB.InTx(ctx, func(ctx context.Context) error {
		s.open.Store(true)
		defer s.open.Store(false)
		return fn(ctx)
	})
}

// readKeys is a store of keys that counts how often they are read, and how often of
// these while a refresh is in its transaction.
type readKeys struct {
	token.KeyStore
	beside        *families
	reads, inside atomic.Int64
}

func (s *readKeys) SigningKeys(ctx context.Context) ([]token.Key, error) {
	s.reads.Add(1)
	if s.beside.open.Load() {
		s.inside.Add(1)
	}
	return s.KeyStore.SigningKeys(ctx)
}

// A refresh reads the keys before its transaction, which else would hold a connection,
// and on SQLite the only writer, while another one is waited for to make a key.
func TestRefreshReadsKeysOutsideItsTransaction(t *testing.T) {
	storagetest.Each(t, func(t *testing.T, d *storagetest.Database) {
		secrets := identity.Secrets{"a secret that is long enough for this"}
		store := &families{DB: d.DB}
		keys := &readKeys{KeyStore: d.DB, beside: store}
		idKeys := &readKeys{KeyStore: d.IDTokenKeys(token.RS256), beside: store}
		sessions := session.NewService(d.DB, nil, session.Limits{Idle: time.Hour, Lifetime: 24 * time.Hour}, d.Clock.Now)
		tokens := token.NewService(store, token.NewKeyring(keys, secrets, token.EdDSA, nil, d.Clock.Now), sessions, nil, secrets, token.Options{
			Issuer:      "https://id.example.com",
			IDTokenKeys: []*token.Keyring{token.NewIDTokenKeyring(idKeys, secrets, token.RS256, nil, d.Clock.Now)},
		}, d.Clock.Now)
		service := authserver.New(authserver.Deps{
			Store: d.DB, Sessions: teamsession.NewService(d.DB, sessions, d.Clock.Now), Tokens: tokens, Secrets: secrets, Issuer: "https://id.example.com", Now: d.Clock.Now,
		})
		c := d.OAuthClient(t, func(c *client.Client) { c.Grants = append(c.Grants, client.GrantRefresh) })
		s := d.Session(t, d.User(t).ID, func(s *session.Session) {
			s.Kind, s.Application = session.KindApplication, session.Application{ClientID: &c.ID, Scopes: []string{client.ScopeOpenID}}
		})
		p, err := d.PrincipalBySession(t.Context(), s.ID, nil)
		if err != nil {
			t.Fatal(err)
		}
		var raw string
		d.Do(t, func(ctx context.Context) error {
			raw, err = tokens.NewApplicationFamily(ctx, p, identity.RequestOrigin{})
			return err
		})
		if _, err := tokens.JWKS(t.Context()); err != nil { // which makes the keys
			t.Fatal(err)
		}
		d.Clock.Advance(token.ReloadEvery)
		before, idBefore := keys.reads.Load(), idKeys.reads.Load()
		got, err := service.Refresh(t.Context(), c, url.Values{"refresh_token": {raw}}, identity.RequestOrigin{})
		if err != nil || got.ID == "" || got.Refresh == "" {
			t.Fatalf("%+v, %v", got, err)
		}
		if keys.reads.Load() == before || idKeys.reads.Load() == idBefore {
			t.Error("the keys are not read again")
		}
		if n := keys.inside.Load() + idKeys.inside.Load(); n > 0 {
			t.Errorf("keys are read %d times inside the transaction", n)
		}
	})
}
