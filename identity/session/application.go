package session

import (
	"context"
	"errors"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
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

// IssueApplication makes a session of an application and starts a team session in
// it where a team is named, by what the team's policy says of its parent and the
// browser. It runs in the caller's transaction, in which the user's row is held.
// CodeUnauthenticated if the parent no longer works, CodePolicyUnsatisfied if the
// policy refuses it, identity.ErrNotFound for a team that the user is not in.
func (s *Service) IssueApplication(ctx context.Context, n NewApplication) (Principal, error) {
	if n.TeamID == nil {
		return s.issueApplication(ctx, n, nil)
	}
	var p Principal
	actor := identity.Actor{UserID: n.UserID, SessionID: n.ID, Origin: n.From}
	err := team.InTeamTx(ctx, s.store, actor, *n.TeamID, s.now, func(ctx context.Context, _ team.Team, role team.Role) (err error) {
		p, err = s.issueApplication(ctx, n, &role)
		return err
	})
	return p, err
}

func (s *Service) issueApplication(ctx context.Context, n NewApplication, role *team.Role) (Principal, error) {
	now := s.now()
	parent, err := s.store.LockSession(ctx, n.Parent)
	if errors.Is(err, identity.ErrNotFound) {
		return Principal{}, ErrUnauthenticated()
	}
	if err != nil {
		return Principal{}, err
	}
	s.uses.on(&parent)
	if parent.Status(now) != StatusActive || parent.UserID != n.UserID || parent.Kind != KindBrowser || parent.Restricted {
		return Principal{}, ErrUnauthenticated()
	}
	out := s.applicationOf(parent, n, now)
	var ts *TeamSession
	var policy team.Policy
	if role != nil {
		if policy, err = s.store.TeamPolicy(ctx, *n.TeamID); err != nil {
			return Principal{}, err
		}
		e := ActiveTeamSession{Role: *role, Policy: policy}
		if refusal := e.refuses(parent, n.From, now); refusal != nil {
			return Principal{}, refusal.Err()
		}
		ts = &TeamSession{ID: identity.NewID(), TeamID: *n.TeamID, SessionID: out.ID, UserID: n.UserID, CreatedAt: now}
		out.TeamSessionID = &ts.ID
	}
	if err := s.store.InsertSession(ctx, out); err != nil {
		return Principal{}, err
	}
	actor := identity.Actor{UserID: n.UserID, SessionID: n.Parent, Origin: n.From}
	created := actor.Event(identity.ActionApplicationSignedIn, now)
	created.UserID = &n.UserID
	created.Data = identity.Metadata{"client_id": n.ClientID, "client": n.Client, "application_session_id": out.ID, "scopes": n.Scopes, "offline": n.Offline}
	if err := s.store.RecordEvents(ctx, created); err != nil {
		return Principal{}, err
	}
	if ts != nil {
		data := identity.Metadata{"team_session_id": ts.ID, "role": *role, "kind": KindApplication}
		if err := s.start(ctx, actor, *ts, data); err != nil {
			return Principal{}, err
		}
		if err := s.endOthersIn(ctx, actor, *ts, policy, now); err != nil {
			return Principal{}, err
		}
	}
	return s.store.PrincipalBySession(ctx, out.ID, out.TeamSessionID)
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
