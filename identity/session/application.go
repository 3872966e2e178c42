package session

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// NewApplication is a session of an application to be made.
type NewApplication struct {
	ID        identity.ID // chosen before, so that what made it can be used once
	UserID    identity.ID
	Parent    identity.ID // the browser's session that it is made in
	ClientID  string
	Client    string // its name, for the history
	GrantID   *identity.ID
	TeamID    *identity.ID // to act in
	Offline   bool
	Scopes    []string
	Resources []string
	From      identity.RequestOrigin // where the person's browser is
}

// IssueApplication makes a session of an application, unless admit refuses the parent
// that it is made in. Where a team session is named, the caller starts it. It runs in the
// caller's transaction, in which the user's row is held. CodeUnauthenticated if the
// parent no longer works.
func (s *Service) IssueApplication(ctx context.Context, n NewApplication, teamSession *identity.ID, admit func(parent Session) error) error {
	now := s.now()
	parent, err := s.store.LockSession(ctx, n.Parent)
	if errors.Is(err, identity.ErrNotFound) {
		return ErrUnauthenticated()
	}
	if err != nil {
		return err
	}
	s.uses.on(&parent)
	if parent.Status(now) != StatusActive || parent.UserID != n.UserID || parent.Kind != KindBrowser || parent.Restricted {
		return ErrUnauthenticated()
	}
	if err := admit(parent); err != nil {
		return err
	}
	out := s.applicationOf(parent, n, now)
	out.TeamSessionID = teamSession
	if err := s.store.InsertSession(ctx, out); err != nil {
		return err
	}
	created := n.Actor().Event(identity.ActionApplicationSignedIn, now)
	created.UserID = &n.UserID
	created.Data = identity.Metadata{"client_id": n.ClientID, "client": n.Client, "application_session_id": out.ID, "scopes": n.Scopes, "offline": n.Offline}
	return s.store.RecordEvents(ctx, created)
}

// Actor is who makes it: the person, in the parent.
func (n NewApplication) Actor() identity.Actor {
	return identity.Actor{UserID: n.UserID, SessionID: n.Parent, Origin: n.From}
}

// applicationOf is the new session. What its parent was proven by, it is: unlinking
// an identity ends or weakens both, and a policy judges both alike. Its token is a
// secret that is given to no one.
func (s *Service) applicationOf(parent Session, n NewApplication, now time.Time) Session {
	_, hash := identity.NewSecret()
	out := Session{
		ID: n.ID, UserID: n.UserID, Kind: KindApplication, TokenHash: hash,
		IdentityID: parent.IdentityID, Methods: parent.Methods, ProvenBy: parent.ProvenBy,
		IP: n.From.IP, UserAgent: n.From.UserAgent, CreatedAt: now, LastSeenAt: now,
		AuthenticatedAt: parent.AuthenticatedAt, LongestPause: parent.LongestPause, ExpiresAt: parent.ExpiresAt,
		Application: Application{
			ClientID: &n.ClientID, GrantID: n.GrantID, ParentID: &parent.ID, Offline: n.Offline,
			Scopes: n.Scopes, Resources: n.Resources, SignedInAt: &parent.CreatedAt,
		},
	}
	if n.Offline {
		out.ExpiresAt = now.Add(s.limits.Lifetime)
	}
	out.IdleExpiresAt = s.idleExpiry(out, now)
	return out
}
