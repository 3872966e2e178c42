package client

import (
	"context"
	"encoding/hex"
	"errors"
	"net/url"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

// MaxOverlap is how long the secret before works after a rotation, at most.
const MaxOverlap = 30 * 24 * time.Hour

// Store keeps clients, resources and grants. Changes run in the transaction that InTx
// opened; rows that do not exist are identity.ErrNotFound.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error

	// Client returns a client that has not been deleted, by its id: one read by the
	// primary key. What is no id is not found.
	Client(ctx context.Context, id string) (Client, error)
	// LockClient is Client that holds the row, and finds a deleted one too.
	LockClient(ctx context.Context, id string) (Client, error)
	// HoldClient is Client that keeps the row as it is until the transaction ends. Others
	// may hold it at once; LockClient waits.
	HoldClient(ctx context.Context, id string) (Client, error)
	InsertClient(ctx context.Context, c Client) error
	// UpdateClient writes all but the id and who made it when.
	UpdateClient(ctx context.Context, c Client) error
	// Clients lists those that have not been deleted, by id backwards, from the one
	// after an id, "" for the first, and one more than the limit.
	Clients(ctx context.Context, after string, limit int) ([]Client, error)

	Resource(ctx context.Context, uri string) (Resource, error)
	Resources(ctx context.Context) ([]Resource, error)
	InsertResource(ctx context.Context, r Resource) error

	// ClientGrant returns the user's live grant for a client and a team, or for no team.
	ClientGrant(ctx context.Context, user identity.ID, client string, team *identity.ID) (Grant, error)
	// ClientGrantByID returns a grant, also one that was revoked.
	ClientGrantByID(ctx context.Context, id identity.ID) (Grant, error)
	InsertClientGrant(ctx context.Context, g Grant) error
	// UpdateClientGrant writes scopes, resources, document and the times.
	UpdateClientGrant(ctx context.Context, g Grant) error
	// TouchClientGrant moves last use forward, in a transaction or outside.
	TouchClientGrant(ctx context.Context, id identity.ID, at time.Time) error
	// ClientGrants lists the live grants of a user with their clients, newest first.
	ClientGrants(ctx context.Context, user identity.ID, p identity.Page) ([]GrantWithClient, error)
	// RevokeClientGrants revokes the live grants of a user, or of a client, and returns
	// their ids.
	RevokeClientGrants(ctx context.Context, of Of, at time.Time) ([]identity.ID, error)

	// EndApplicationSessions ends the open sessions that a client has, or that were made
	// by a grant, and returns how many.
	EndApplicationSessions(ctx context.Context, of Of, reason string, at time.Time) (int, error)

	// LockTeam finds no deleted team.
	LockTeam(ctx context.Context, id identity.ID) (team.Team, error)
	LockUsers(ctx context.Context, ids ...identity.ID) ([]identity.User, error)
	RecordEvents(ctx context.Context, events ...identity.Event) error
}

// Of picks grants, or the sessions that were made by them: exactly one field is set.
// Sessions are picked by client or grant only.
type Of struct {
	User   *identity.ID
	Client string
	Grant  *identity.ID
}

// GrantWithClient is a grant with the client it is for, as the person sees it.
type GrantWithClient struct {
	Grant
	Client Client
}

// Options are what the deployment decides about clients.
type Options struct {
	// BackchannelHTTP reports whether logout tokens may be sent to a URL over http. nil allows none.
	BackchannelHTTP func(u *url.URL) bool
}

// Service registers clients and resources, and keeps what people let clients do.
type Service struct {
	store   Store
	options Options
	now     identity.Clock
}

// NewService returns the service over a store.
func NewService(store Store, o Options, now identity.Clock) *Service {
	return &Service{store: store, options: o, now: now}
}

// Get returns a client.
func (s *Service) Get(ctx context.Context, id string) (Client, error) { return s.store.Client(ctx, id) }

// List returns a page of the clients, newest first, and the id after which the next
// page begins, "" on the last.
func (s *Service) List(ctx context.Context, after string, limit int) ([]Client, string, error) {
	rows, err := s.store.Clients(ctx, after, limit)
	if err != nil || len(rows) <= limit {
		return rows, "", err
	}
	return rows[:limit], rows[limit-1].ID, nil
}

// Create registers a client and returns it with its secret, which is shown this once:
// "" for a public one. An actor must be recently verified; nil is the command line.
func (s *Service) Create(ctx context.Context, actor *identity.Actor, c Client) (created Client, secret string, err error) {
	if err := requireRecentlyVerified(actor); err != nil {
		return Client{}, "", err
	}
	c.complete()
	c.ID, c.CreatedAt, c.CreatedBy, c.DocumentHash, c.DeletedAt = identity.NewID().String(), s.now(), nil, nil, nil
	c.UpdatedAt, c.SecretHash, c.PreviousSecretHash, c.PreviousSecretUntil = c.CreatedAt, nil, nil, nil
	if actor != nil {
		c.CreatedBy = actor.By()
	}
	if c.Kind == Confidential {
		secret, c.SecretHash = identity.NewSecret()
	}
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		if err := s.check(ctx, c); err != nil {
			return err
		}
		if err := s.store.InsertClient(ctx, c); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, s.event(actor, identity.ActionClientCreated, c))
	})
	if err != nil {
		return Client{}, "", err
	}
	return c, secret, nil
}

func (s *Service) check(ctx context.Context, c Client) error {
	known, err := s.store.Resources(ctx)
	if err != nil {
		return err
	}
	if c.TeamID != nil {
		if _, err := s.store.LockTeam(ctx, *c.TeamID); errors.Is(err, identity.ErrNotFound) {
			return invalid("team_id", "there is no such team")
		} else if err != nil {
			return err
		}
	}
	return c.validate(known, s.options.BackchannelHTTP)
}

// Update changes a client: change edits what it was. Its kind and secret stay.
func (s *Service) Update(ctx context.Context, actor *identity.Actor, id string, change func(c *Client)) (Client, error) {
	var c Client
	err := s.changing(ctx, actor, id, func(ctx context.Context, was Client) error {
		if was.DocumentHash != nil {
			return identity.NewError(identity.CodeInvalidRequest, "this client describes itself at its URL and cannot be changed here")
		}
		c = was
		change(&c)
		c.ID, c.Kind, c.SecretHash, c.PreviousSecretHash, c.PreviousSecretUntil = was.ID, was.Kind, was.SecretHash, was.PreviousSecretHash, was.PreviousSecretUntil
		c.DocumentHash, c.CreatedAt, c.CreatedBy, c.DeletedAt = nil, was.CreatedAt, was.CreatedBy, nil
		c.complete()
		c.UpdatedAt = s.now()
		if err := s.check(ctx, c); err != nil {
			return err
		}
		if err := s.store.UpdateClient(ctx, c); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, s.event(actor, identity.ActionClientUpdated, c))
	})
	return c, err
}

// Rotate gives a confidential client a new secret, which is shown this once. The one
// before works for the overlap, 0 for not at all.
func (s *Service) Rotate(ctx context.Context, actor *identity.Actor, id string, overlap time.Duration) (c Client, secret string, err error) {
	if overlap < 0 || overlap > MaxOverlap {
		return Client{}, "", invalid("overlap_seconds", "both secrets work for 30 days at most")
	}
	err = s.changing(ctx, actor, id, func(ctx context.Context, was Client) error {
		c = was
		if c.Kind != Confidential {
			return identity.NewError(identity.CodeInvalidRequest, "a public client has no secret")
		}
		c.PreviousSecretHash, c.PreviousSecretUntil = nil, nil
		c.UpdatedAt = s.now()
		if overlap > 0 {
			c.PreviousSecretHash, c.PreviousSecretUntil = was.SecretHash, new(c.UpdatedAt.Add(overlap))
		}
		secret, c.SecretHash = identity.NewSecret()
		if err := s.store.UpdateClient(ctx, c); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, s.event(actor, identity.ActionClientRotated, c))
	})
	return c, secret, err
}

// Delete ends a client with everything that people let it do, and its sessions.
func (s *Service) Delete(ctx context.Context, actor *identity.Actor, id string) error {
	return s.changing(ctx, actor, id, func(ctx context.Context, c Client) error {
		now := s.now()
		c.UpdatedAt, c.DeletedAt = now, &now
		c.PreviousSecretHash, c.PreviousSecretUntil = nil, nil
		if err := s.store.UpdateClient(ctx, c); err != nil {
			return err
		}
		grants, err := s.store.RevokeClientGrants(ctx, Of{Client: id}, now)
		if err != nil {
			return err
		}
		ended, err := s.store.EndApplicationSessions(ctx, Of{Client: id}, "client_deleted", now)
		if err != nil {
			return err
		}
		e := s.event(actor, identity.ActionClientDeleted, c)
		e.Data["grants"], e.Data["sessions"] = len(grants), ended
		return s.store.RecordEvents(ctx, e)
	})
}

// changing runs fn with a client whose row is held.
func (s *Service) changing(ctx context.Context, actor *identity.Actor, id string, fn func(ctx context.Context, c Client) error) error {
	if err := requireRecentlyVerified(actor); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		c, err := s.store.LockClient(ctx, id)
		if err == nil && c.DeletedAt != nil {
			err = identity.ErrNotFound
		}
		if err != nil {
			return err
		}
		return fn(ctx, c)
	})
}

// CreateResource adds an API that tokens can be for. CodeInvalidRequest if there is
// one by its URI already.
func (s *Service) CreateResource(ctx context.Context, actor *identity.Actor, r Resource) (Resource, error) {
	if err := requireRecentlyVerified(actor); err != nil {
		return Resource{}, err
	}
	r.CreatedAt = s.now()
	if err := r.validate(); err != nil {
		return Resource{}, err
	}
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.store.Resource(ctx, r.URI); !errors.Is(err, identity.ErrNotFound) {
			if err == nil {
				err = invalid("uri", "there is a resource by this URI already")
			}
			return err
		}
		if err := s.store.InsertResource(ctx, r); err != nil {
			return err
		}
		e := s.eventOf(actor, identity.ActionResourceCreated)
		e.Data = identity.Metadata{"uri": r.URI, "name": r.Name, "scopes": r.Scopes}
		return s.store.RecordEvents(ctx, e)
	})
	return r, err
}

// Resources returns the resources, by URI.
func (s *Service) Resources(ctx context.Context) ([]Resource, error) { return s.store.Resources(ctx) }

func (s *Service) eventOf(actor *identity.Actor, action identity.Action) identity.Event {
	if actor != nil {
		return actor.Event(action, s.now())
	}
	return identity.Event{ID: identity.NewID(), At: s.now(), Action: action}
}

func (s *Service) event(actor *identity.Actor, action identity.Action, c Client) identity.Event {
	e := s.eventOf(actor, action)
	e.Data = identity.Metadata{"client_id": c.ID, "name": c.Name, "kind": c.Kind, "trusted": c.Trusted, "redirect_uris": c.RedirectURIs}
	if c.DocumentHash != nil {
		e.Data["document_hash"] = hex.EncodeToString(c.DocumentHash)
	}
	return e
}

func requireRecentlyVerified(actor *identity.Actor) error {
	if actor == nil {
		return nil
	}
	return actor.RequireRecentlyVerified()
}
