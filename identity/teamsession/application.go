package teamsession

import (
	"context"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
)

// IssueApplication makes a session of an application and starts a team session in it
// where a team is named, by what the team's policy says of its parent and the browser. It
// runs in the caller's transaction, in which the user's row is held. CodeUnauthenticated
// if the parent no longer works, CodePolicyUnsatisfied if the policy refuses it,
// identity.ErrNotFound for a team that the user is not in.
func (s *Service) IssueApplication(ctx context.Context, n session.NewApplication) (session.Principal, error) {
	var in *identity.ID
	var err error
	if n.TeamID == nil {
		err = s.sessions.IssueApplication(ctx, n, nil, func(session.Session) error { return nil })
	} else {
		in, err = s.issueInTeam(ctx, n)
	}
	if err != nil {
		return session.Principal{}, err
	}
	return s.store.PrincipalBySession(ctx, n.ID, in)
}

func (s *Service) issueInTeam(ctx context.Context, n session.NewApplication) (*identity.ID, error) {
	ts := Session{ID: identity.NewID(), TeamID: *n.TeamID, SessionID: n.ID, UserID: n.UserID}
	actor := n.Actor()
	err := team.InTeamTx(ctx, s.store, actor, ts.TeamID, s.now, func(ctx context.Context, _ team.Team, role team.Role) error {
		policy, err := s.store.TeamPolicy(ctx, ts.TeamID)
		if err != nil {
			return err
		}
		ts.CreatedAt = s.now()
		err = s.sessions.IssueApplication(ctx, n, &ts.ID, func(parent session.Session) error {
			if refusal := (session.ActiveTeamSession{Role: role, Policy: policy}).Refuses(parent, n.From, ts.CreatedAt); refusal != nil {
				return refusal.Err()
			}
			return nil
		})
		if err != nil {
			return err
		}
		data := identity.Metadata{"team_session_id": ts.ID, "role": role, "kind": session.KindApplication}
		if err := s.start(ctx, actor, ts, data); err != nil {
			return err
		}
		return s.endOthersIn(ctx, actor, ts, policy, ts.CreatedAt)
	})
	return &ts.ID, err
}
