package storage_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func testUnlink(t *testing.T, d *storagetest.Database) {
	t.Run("an identity goes, and the sessions it made stay without it", func(t *testing.T) {
		u := d.User(t)
		i, other := d.Wallet(t, u.ID), d.Wallet(t, u.ID)
		by := func(i identity.Identity) session.Session {
			return d.Session(t, u.ID, func(s *session.Session) { s.IdentityID = &i.ID })
		}
		open, ended, foreign := by(i), by(i), by(other)
		first, second := d.Clock.Now(), d.Clock.Now().Add(time.Hour)
		end(t, d, u.ID, session.SessionSelector{Only: &ended.ID}, first)
		d.Do(t, func(ctx context.Context) error {
			n, err := d.EndSessionsBy(ctx, i.ID, "unlinked", second)
			storagetest.Same(t, n, 1)
			if err != nil {
				return err
			}
			return d.DeleteIdentity(ctx, i.ID)
		})
		_, err := d.DB.Identity(t.Context(), i.ID)
		storagetest.WantNotFound(t, "a deleted identity", err)
		open.IdentityID, open.EndedAt, open.EndReason = nil, &second, new("unlinked")
		ended.IdentityID, ended.EndedAt, ended.EndReason = nil, &first, new("over")
		for _, want := range []session.Session{open, ended, foreign} {
			storagetest.Same(t, lock(t, d, want.ID), want)
		}
	})

	t.Run("its method leaves the sessions that it was proven in, unless another proved it", func(t *testing.T) {
		u := d.User(t)
		made, gone, other := d.Identity(t, u.ID, "github", storagetest.Word()), d.Identity(t, u.ID, "google", storagetest.Word()), d.Identity(t, u.ID, "google", storagetest.Word())
		foreign := d.Identity(t, d.User(t).ID, "google", storagetest.Word())
		with := func(by identity.Identity, methods string, proven ...identity.Identity) session.Session {
			return d.Session(t, by.UserID, func(s *session.Session) {
				s.IdentityID, s.Methods = &by.ID, strings.Fields(methods)
				for _, i := range proven {
					s.ProvenBy = append(s.ProvenBy, i.ID)
				}
			})
		}
		for name, c := range map[string]struct {
			session session.Session
			left    string
		}{
			"proven by it":                           {with(made, "github google siwe", gone), "github siwe"},
			"proven by it first":                     {with(made, "google github", gone), "github"},
			"proven by another too":                  {with(made, "github google", gone, other), "github google"},
			"proven by another":                      {with(made, "github google", other), "github google"},
			"made by another":                        {with(other, "google github", gone, made), "google github"},
			"proven by one of another user":          {with(made, "github google", gone, foreign), "github"},
			"proven before identities were recorded": {with(made, "github google"), "github"},
			"not proven by its provider":             {with(made, "github google2 mygoogle", gone), "github google2 mygoogle"},
			"another user's":                         {with(foreign, "google github", gone), "google github"},
		} {
			want := c.session
			want.Methods = strings.Fields(c.left)
			d.Do(t, func(ctx context.Context) error {
				n, err := d.EndSessionsBy(ctx, gone.ID, "unlinked", d.Clock.Now())
				storagetest.Same(t, n, 0)
				return err
			})
			t.Log(name)
			storagetest.Same(t, lock(t, d, want.ID), want)
			storagetest.Same(t, must[session.Principal](t)(d.PrincipalByToken(t.Context(), want.TokenHash)).Session, want)
		}
		over := with(made, "github google", gone) // what has ended stays as it was
		end(t, d, u.ID, session.SessionSelector{Only: &over.ID}, d.Clock.Now())
		d.Do(t, func(ctx context.Context) error {
			return d.EndSessionsByIdentities(ctx, []identity.ID{gone.ID, other.ID}, "undone", d.Clock.Now())
		})
		storagetest.Same(t, lock(t, d, over.ID).Methods, over.Methods)
		both := with(made, "github google", gone, other)
		d.Do(t, func(ctx context.Context) error {
			return d.EndSessionsByIdentities(ctx, []identity.ID{gone.ID, other.ID}, "undone", d.Clock.Now())
		})
		storagetest.Same(t, lock(t, d, both.ID).Methods, []string{"github"})
	})

	t.Run("an address goes, and the oldest other becomes primary", func(t *testing.T) {
		u, other := d.User(t), d.User(t)
		at := d.Clock.Now().Add(time.Second)
		newest, oldest, primary := storagetest.Word()+"@a.example", storagetest.Word()+"@b.example", storagetest.Word()+"@c.example"
		for address, age := range map[string]time.Duration{newest: 1, oldest: 3, primary: 2} {
			e := identity.Email{Address: address, UserID: u.ID, Source: "google", VerifiedAt: d.Clock.Now().Add(-age * time.Hour)}
			d.Do(t, func(ctx context.Context) error { return d.Claim(ctx, e) })
		}
		d.Do(t, func(ctx context.Context) error { return d.SetPrimaryEmail(ctx, u.ID, primary, at) })
		del := func(user identity.ID, address string) {
			d.Do(t, func(ctx context.Context) error { return d.DeleteEmail(ctx, user, address, at) })
		}
		want := func(address *string) {
			t.Helper()
			storagetest.Same(t, must[identity.User](t)(d.DB.User(t.Context(), u.ID)).PrimaryEmail, address)
		}
		del(other.ID, primary) // not theirs
		want(&primary)
		del(u.ID, primary)
		want(&oldest)
		del(u.ID, newest)
		want(&oldest)
		del(u.ID, oldest)
		want(nil)
		for _, address := range []string{newest, oldest, primary} {
			_, err := d.EmailOwner(t.Context(), address)
			storagetest.WantNotFound(t, address, err)
		}
	})
}
