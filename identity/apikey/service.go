package apikey

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

// How long keys live.
const (
	DefaultLifetime = 90 * 24 * time.Hour
	MaxLifetime     = 366 * 24 * time.Hour
	DefaultOverlap  = 24 * time.Hour // after a rotation, in which both work
	MaxOverlap      = 30 * 24 * time.Hour
	usedEvery       = time.Hour // how coarsely use is noted
)

// Store keeps keys. Changes run in the transaction that InTx opened; rows that do
// not exist are identity.ErrNotFound.
type Store interface {
	team.RoleReader
	InsertAPIKey(ctx context.Context, k Key) error
	// APIKeyByPrefix is one read by a unique key.
	APIKeyByPrefix(ctx context.Context, prefix string) (Key, error)
	LockAPIKey(ctx context.Context, id identity.ID) (Key, error)
	// EndAPIKey writes expiry, revocation and replacement.
	EndAPIKey(ctx context.Context, k Key) error
	// TouchAPIKey moves last use forward, outside any transaction.
	TouchAPIKey(ctx context.Context, id identity.ID, at time.Time) error
	// APIKeys lists the keys of a team, or with nil those of the deployment,
	// newest first.
	APIKeys(ctx context.Context, team *identity.ID, p identity.Page) ([]Key, error)
	// HoldBackend holds the name of a provider that IsBackend until the transaction
	// ends, and reports whether a key that works at now vouches for people under it.
	HoldBackend(ctx context.Context, provider string, now time.Time) (bool, error)
	// CountTeamAPIKeys counts the keys of a team that work at now.
	CountTeamAPIKeys(ctx context.Context, team identity.ID, now time.Time) (int, error)
	RecordEvents(ctx context.Context, events ...identity.Event) error
}

// Service makes, checks and ends keys.
type Service struct {
	store Store
	now   identity.Clock
}

// NewService returns the service over a store.
func NewService(store Store, now identity.Clock) *Service { return &Service{store: store, now: now} }

// New is a key to be made.
type New struct {
	Name     string
	Scopes   Scopes
	Lifetime time.Duration // 0 for DefaultLifetime
	// Proves and EmailDomains are those of a key with ScopeProofsWrite.
	Proves       string
	EmailDomains []string
}

// Create makes a key of the deployment and returns it with its text, which is
// shown this once. An actor must be recently verified; nil is the command line.
// CodeProviderTaken while another key that works proves the same provider.
func (s *Service) Create(ctx context.Context, actor *identity.Actor, n New) (Key, string, error) {
	name, lifetime, err := clean(n.Name, n.Lifetime)
	if err != nil {
		return Key{}, "", err
	}
	k := Key{Name: name, Scopes: n.Scopes, Proves: n.Proves}
	if len(k.Scopes) == 0 || slices.ContainsFunc(k.Scopes, func(s Scope) bool { return !slices.Contains(AllScopes, s) }) {
		return Key{}, "", invalid("scopes", "a key needs one or more of the scopes "+AllScopes.List())
	}
	if k.EmailDomains, err = n.proofs(); err != nil {
		return Key{}, "", err
	}
	k.Scopes = slices.Compact(slices.Sorted(slices.Values(k.Scopes)))
	if err := requireRecentlyVerified(actor); err != nil {
		return Key{}, "", err
	}
	var raw string
	err = s.store.InTx(ctx, func(ctx context.Context) (err error) {
		if k.Proves != "" {
			taken, err := s.store.HoldBackend(ctx, k.Proves, s.now())
			if err != nil {
				return err
			}
			if taken {
				return identity.NewError(identity.CodeProviderTaken, "another key vouches for people as %s: rotate that key, or revoke it first", k.Proves).WithField("proves")
			}
		}
		k, raw, err = s.insert(ctx, actor, k, lifetime)
		return err
	})
	return k, raw, err
}

// clean checks what every new key has.
func clean(name string, lifetime time.Duration) (string, time.Duration, error) {
	name = strings.TrimSpace(name)
	if !identity.IsLine(name, 100) || name == "" {
		return "", 0, invalid("name", "a key's name has 1 to 100 characters and no control characters")
	}
	if lifetime == 0 {
		lifetime = DefaultLifetime
	}
	if lifetime < time.Hour || lifetime > MaxLifetime {
		return "", 0, invalid("expires_in_days", "a key is valid for at least an hour and at most 366 days")
	}
	return name, lifetime, nil
}

// requireRecentlyVerified asks the actor for a recent proof; the command line has none to give.
func requireRecentlyVerified(actor *identity.Actor) error {
	if actor == nil {
		return nil
	}
	return actor.RequireRecentlyVerified()
}

func invalid(field, detail string) error {
	return identity.NewError(identity.CodeInvalidRequest, "%s", detail).WithField(field)
}

// insert writes a new key with its event.
func (s *Service) insert(ctx context.Context, actor *identity.Actor, k Key, lifetime time.Duration) (Key, string, error) {
	if actor != nil {
		k.CreatedBy = actor.By()
	}
	var raw string
	k.ID, k.CreatedAt = identity.NewID(), s.now()
	k.ExpiresAt = k.CreatedAt.Add(lifetime)
	raw, k.Prefix, k.SecretHash = newSecret()
	if err := s.store.InsertAPIKey(ctx, k); err != nil {
		return Key{}, "", err
	}
	return k, raw, s.store.RecordEvents(ctx, s.event(actor, identity.ActionAPIKeyCreated, k))
}

// List returns the keys of the deployment, without secrets.
func (s *Service) List(ctx context.Context, p identity.Page) ([]Key, *identity.ID, error) {
	return s.list(ctx, nil, p)
}

func (s *Service) list(ctx context.Context, of *identity.ID, p identity.Page) ([]Key, *identity.ID, error) {
	rows, err := s.store.APIKeys(ctx, of, p)
	rows, next := identity.Next(rows, p, func(k Key) identity.ID { return k.ID })
	return rows, next, err
}

// Revoke ends a key of the deployment now. Doing it twice is no error.
func (s *Service) Revoke(ctx context.Context, actor *identity.Actor, id identity.ID) error {
	if err := requireRecentlyVerified(actor); err != nil {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context) error { return s.revoke(ctx, actor, nil, id) })
}

func (s *Service) revoke(ctx context.Context, actor *identity.Actor, of *identity.ID, id identity.ID) error {
	k, err := s.lock(ctx, of, id)
	if err != nil || k.RevokedAt != nil {
		return err
	}
	k.RevokedAt = new(s.now())
	if err := s.store.EndAPIKey(ctx, k); err != nil {
		return err
	}
	return s.store.RecordEvents(ctx, s.event(actor, identity.ActionAPIKeyRevoked, k))
}

// lock returns a key of a team, or with nil one of the deployment. Others are not
// found.
func (s *Service) lock(ctx context.Context, of *identity.ID, id identity.ID) (Key, error) {
	k, err := s.store.LockAPIKey(ctx, id)
	if err == nil && ((k.TeamID == nil) != (of == nil) || of != nil && *k.TeamID != *of) {
		err = identity.ErrNotFound
	}
	return k, err
}

// Rotate makes another key like one, which goes on to work for the overlap.
// CodeKeyEnded if it has been rotated already, or does not work.
func (s *Service) Rotate(ctx context.Context, actor *identity.Actor, id identity.ID, overlap time.Duration) (Key, string, error) {
	if err := checkOverlap(overlap); err != nil {
		return Key{}, "", err
	}
	if err := requireRecentlyVerified(actor); err != nil {
		return Key{}, "", err
	}
	var k Key
	var raw string
	err := s.store.InTx(ctx, func(ctx context.Context) (err error) {
		k, raw, err = s.rotate(ctx, actor, nil, id, overlap)
		return err
	})
	return k, raw, err
}

func checkOverlap(overlap time.Duration) error {
	if overlap < 0 || overlap > MaxOverlap {
		return invalid("overlap_seconds", "both keys work for 30 days at most")
	}
	return nil
}

func (s *Service) rotate(ctx context.Context, actor *identity.Actor, of *identity.ID, id identity.ID, overlap time.Duration) (Key, string, error) {
	old, err := s.lock(ctx, of, id)
	if err != nil {
		return Key{}, "", err
	}
	now := s.now()
	if old.ReplacedBy != nil || !old.Works(now) {
		return Key{}, "", identity.NewError(identity.CodeKeyEnded, "this key was already rotated or no longer works: create a new one")
	}
	like := Key{Name: old.Name, Scopes: old.Scopes, TeamID: old.TeamID, Role: old.Role, Proves: old.Proves, EmailDomains: old.EmailDomains}
	k, raw, err := s.insert(ctx, actor, like, old.ExpiresAt.Sub(old.CreatedAt))
	if err != nil {
		return Key{}, "", err
	}
	old.ReplacedBy = &k.ID
	if ends := now.Add(overlap); ends.Before(old.ExpiresAt) {
		old.ExpiresAt = ends
	}
	if err := s.store.EndAPIKey(ctx, old); err != nil {
		return Key{}, "", err
	}
	e := s.event(actor, identity.ActionAPIKeyRotated, old)
	e.Data["replaced_by"] = k.ID
	return k, raw, s.store.RecordEvents(ctx, e)
}

// Authenticate returns the key of a text that Looks like one. CodeUnauthenticated
// if it does not work, without telling why.
func (s *Service) Authenticate(ctx context.Context, raw string) (Key, error) {
	parts := shape.FindStringSubmatch(raw)
	if parts == nil {
		return Key{}, errNoKey()
	}
	k, err := s.store.APIKeyByPrefix(ctx, parts[1])
	if errors.Is(err, identity.ErrNotFound) {
		return Key{}, errNoKey()
	}
	if err != nil {
		return Key{}, err
	}
	now := s.now()
	if subtle.ConstantTimeCompare(identity.HashSecret(parts[2]), k.SecretHash) != 1 || !k.Works(now) {
		return Key{}, errNoKey()
	}
	if k.LastUsedAt == nil || now.Sub(*k.LastUsedAt) >= usedEvery {
		if err := s.store.TouchAPIKey(ctx, k.ID, now); err != nil {
			return Key{}, err
		}
	}
	return k, nil
}

// Recheck refuses a key of Authenticate that has ended since.
func (s *Service) Recheck(ctx context.Context, k Key) error {
	now, err := s.store.APIKeyByPrefix(ctx, k.Prefix)
	if errors.Is(err, identity.ErrNotFound) || err == nil && !now.Works(s.now()) {
		return errNoKey()
	}
	return err
}

func errNoKey() error {
	return identity.NewError(identity.CodeUnauthenticated, "this API key is unknown, expired or revoked")
}

func (s *Service) event(actor *identity.Actor, action identity.Action, k Key) identity.Event {
	e := identity.Event{ID: identity.NewID(), At: s.now(), Action: action}
	if actor != nil {
		e = actor.Event(action, s.now())
	}
	e.TeamID = k.TeamID
	e.Data = identity.Metadata{"api_key_id": k.ID, "prefix": k.Prefix, "name": k.Name, "expires_at": k.ExpiresAt}
	if k.Role != nil {
		e.Data["role"] = *k.Role
	} else {
		e.Data["scopes"] = k.Scopes
	}
	if k.Proves != "" {
		e.Data["proves"], e.Data["email_domains"] = k.Proves, append([]string{}, k.EmailDomains...)
	}
	return e
}
