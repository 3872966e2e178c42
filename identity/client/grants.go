package client

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// usedEvery is how coarsely the use of a grant is noted.
const usedEvery = time.Hour

// Consent is what a person agrees to.
type Consent struct {
	ClientID  string
	TeamID    *identity.ID
	Scopes    []string
	Resources []string
	// Document is the client as the person was shown it, where it describes itself; nil
	// for a client that is registered here.
	Document *Client
}

func (c Consent) documentHash() []byte {
	if c.Document == nil {
		return nil
	}
	return c.Document.DocumentHash
}

// Agree keeps what a person agrees to: it widens the grant that there is, or makes
// one. It joins the transaction of ctx, and says so in their history. CodeUnauthenticated
// for a person who is not active any more, identity.ErrNotFound for a client that was
// deleted.
func (s *Service) Agree(ctx context.Context, actor identity.Actor, c Consent) (g Grant, err error) {
	if err := actor.RequirePerson(); err != nil {
		return Grant{}, err
	}
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		// The row of the user keeps two that agree at once apart, and so a suspension.
		users, err := s.store.LockUsers(ctx, actor.UserID)
		if err != nil {
			return err
		}
		if len(users) != 1 || !users[0].Active() {
			return identity.NewError(identity.CodeUnauthenticated, "sign in first")
		}
		app, err := s.holdConsented(ctx, c)
		if err != nil {
			return err
		}
		now := s.now()
		g, err = s.store.ClientGrant(ctx, actor.UserID, c.ClientID, c.TeamID)
		switch {
		case errors.Is(err, identity.ErrNotFound):
			g = Grant{
				ID: identity.NewID(), UserID: actor.UserID, ClientID: c.ClientID, TeamID: c.TeamID, Scopes: Words(nil).With(c.Scopes),
				Resources: Words(nil).With(c.Resources), DocumentHash: c.documentHash(), CreatedAt: now, UpdatedAt: now,
			}
			if err = s.store.InsertClientGrant(ctx, g); err != nil {
				return err
			}
			return s.store.RecordEvents(ctx, s.grantEvent(actor, identity.ActionGrantCreated, g, app))
		case err != nil:
			return err
		case g.Scopes.HasAll(c.Scopes) && g.Resources.HasAll(c.Resources) && string(g.DocumentHash) == string(c.documentHash()):
			return nil
		}
		g.Scopes, g.Resources, g.DocumentHash, g.UpdatedAt = g.Scopes.With(c.Scopes), g.Resources.With(c.Resources), c.documentHash(), now
		if err := s.store.UpdateClientGrant(ctx, g); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, s.grantEvent(actor, identity.ActionGrantUpdated, g, app))
	})
	return g, err
}

// holdConsented returns the client of a consent and keeps it as it is. One that describes
// itself is kept as the person was shown it, from the first that agrees to it on; one that
// was deleted is there again.
func (s *Service) holdConsented(ctx context.Context, c Consent) (Client, error) {
	if c.Document == nil {
		return s.store.HoldClient(ctx, c.ClientID)
	}
	app, now := *c.Document, s.now()
	was, err := s.store.LockClient(ctx, c.ClientID)
	switch {
	case errors.Is(err, identity.ErrNotFound):
		app.CreatedAt, app.UpdatedAt = now, now
		if err := s.store.InsertClient(ctx, app); err != nil {
			return Client{}, err
		}
		return app, s.store.RecordEvents(ctx, s.event(nil, identity.ActionClientCreated, app))
	case err != nil || was.DeletedAt == nil && was.describedLike(app):
		return was, err
	}
	app.CreatedAt, app.UpdatedAt = was.CreatedAt, now
	if err := s.store.UpdateClient(ctx, app); err != nil {
		return Client{}, err
	}
	action := identity.ActionClientUpdated
	if was.DeletedAt != nil {
		action = identity.ActionClientCreated
	}
	return app, s.store.RecordEvents(ctx, s.event(nil, action, app))
}

// describedLike reports whether a client that describes itself is as it is kept.
func (c Client) describedLike(now Client) bool {
	return string(c.DocumentHash) == string(now.DocumentHash) && slices.Equal(c.Scopes, now.Scopes) && slices.Equal(c.Resources, now.Resources)
}

// Used notes that a grant was used, to the hour. It joins the transaction of ctx.
func (s *Service) Used(ctx context.Context, g Grant) error {
	if now := s.now(); g.LastUsedAt == nil || now.Sub(*g.LastUsedAt) >= usedEvery {
		return s.store.TouchClientGrant(ctx, g.ID, now)
	}
	return nil
}

// ListOwn returns the applications that a person lets do something.
func (s *Service) ListOwn(ctx context.Context, user identity.ID, p identity.Page) ([]GrantWithClient, *identity.ID, error) {
	rows, err := s.store.ClientGrants(ctx, user, p)
	rows, next := identity.Next(rows, p, func(g GrantWithClient) identity.ID { return g.ID })
	return rows, next, err
}

// Revoke ends a person's grant and the sessions that were made by it. Ending access
// needs no recent proof. A grant of another person is not found.
func (s *Service) Revoke(ctx context.Context, actor identity.Actor, id identity.ID) error {
	if err := actor.RequirePerson(); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.store.LockUsers(ctx, actor.UserID); err != nil {
			return err
		}
		g, err := s.store.ClientGrantByID(ctx, id)
		if err == nil && (g.UserID != actor.UserID || g.RevokedAt != nil) {
			err = identity.ErrNotFound
		}
		if err != nil {
			return err
		}
		// Before its grants, which is the order of Delete.
		app, err := s.store.LockClient(ctx, g.ClientID)
		if err != nil {
			return err
		}
		now := s.now()
		if _, err := s.store.RevokeClientGrants(ctx, Of{Grant: &id}, now); err != nil {
			return err
		}
		ended, err := s.store.EndApplicationSessions(ctx, Of{Grant: &id}, "grant_revoked", now)
		if err != nil {
			return err
		}
		e := s.grantEvent(actor, identity.ActionGrantRevoked, g, app)
		e.Data["sessions"] = ended
		return s.store.RecordEvents(ctx, e)
	})
}

func (s *Service) grantEvent(actor identity.Actor, action identity.Action, g Grant, c Client) identity.Event {
	e := actor.Event(action, s.now())
	e.UserID = &g.UserID
	e.Data = identity.Metadata{"grant_id": g.ID, "client_id": c.ID, "client": c.Name, "scopes": g.Scopes, "resources": g.Resources}
	if g.TeamID != nil {
		e.Data["team_id"] = *g.TeamID // not in the team's trail: the person agreed, not the team
	}
	return e
}
