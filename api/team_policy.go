package api

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/revocation"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
)

// teamPolicy is how the policy of the team in an operation's path applies.
type teamPolicy int

const (
	policyNone    teamPolicy = iota // there is no team in the path, or it says so
	policyAll                       // the session must satisfy it
	policyToLeave                   // as policyAll, except for the user themselves
)

func teamPolicyOf(path string, extension any) teamPolicy {
	switch {
	case !strings.Contains(path, "{team}") || extension == "exempt":
		return policyNone
	case extension == "exempt-to-leave":
		return policyToLeave
	}
	return policyAll
}

// requireTeamPolicy keeps members out of a team, to read and to change it, whose
// policy their session does not satisfy. Every operation below a team is meant,
// unless the specification exempts it. A service is asked where it is, whatever
// the call.
func (s *Server) requireTeamPolicy(c *gin.Context) {
	info := requestInfoOf(c)
	applies := info.operation.policy
	if applies == policyNone || info.key == nil && info.principal == nil ||
		applies == policyToLeave && info.principal != nil && isSelf(c.Param("user"), info.principal.User.ID) {
		return
	}
	id, err := uuid.Parse(c.Param("team"))
	if err != nil {
		s.fail(c, malformed(err))
		return
	}
	if info.key != nil {
		err = s.TeamSessions.RequireMachineIn(c.Request.Context(), info.key.Actor(info.origin), id)
	} else {
		err = s.TeamSessions.RequireIn(c.Request.Context(), *info.principal, info.origin, id, c.Request.Method != http.MethodGet)
	}
	if err != nil {
		s.fail(c, err)
	}
}

func isSelf(param string, user identity.ID) bool {
	id, err := uuid.Parse(param)
	return err == nil && id == user
}

// GetTeamPolicy returns what the team requires of sessions, to a member.
func (s *Server) GetTeamPolicy(ctx context.Context, r contract.GetTeamPolicyRequestObject) (contract.GetTeamPolicyResponseObject, error) {
	p, err := s.TeamSessions.Policy(ctx, userID(ctx), r.Team)
	return contract.GetTeamPolicy200JSONResponse(policyOf(p)), err
}

// SetTeamPolicy replaces the policy and ends the team sessions it does not admit.
func (s *Server) SetTeamPolicy(ctx context.Context, r contract.SetTeamPolicyRequestObject) (contract.SetTeamPolicyResponseObject, error) {
	p := team.Policy{
		MaxAge: time.Duration(value(r.Body.MaxAge)) * time.Second, Idle: time.Duration(value(r.Body.Idle)) * time.Second,
		RequiredProviders: value(r.Body.RequiredProviders), AnyOf: value(r.Body.AnyOf),
		Exclusive: value(r.Body.Exclusive), RequireFreshForAdmin: value(r.Body.RequireFreshForAdmin),
	}
	for i, text := range value(r.Body.AllowedNetworks) {
		n, err := team.ParseNetwork(text)
		if err != nil {
			return nil, refusal(err).WithField(fmt.Sprintf("allowed_networks.%d", i))
		}
		p.AllowedNetworks = append(p.AllowedNetworks, n)
	}
	dryRun := value(r.Body.DryRun)
	ended, err := s.TeamSessions.SetPolicy(ctx, s.actor(ctx), r.Team, p, dryRun)
	if err != nil {
		return nil, err
	}
	out := policyOf(p)
	return contract.SetTeamPolicy200JSONResponse{
		MaxAge: out.MaxAge, Idle: out.Idle, RequiredProviders: out.RequiredProviders, AnyOf: out.AnyOf, AllowedNetworks: out.AllowedNetworks,
		Exclusive: out.Exclusive, RequireFreshForAdmin: out.RequireFreshForAdmin, Ended: s.endedOf(ctx, ended.Result, dryRun),
		Affected: contract.PolicyAffected{Sessions: ended.Count, SessionsTotal: ended.Open, Members: ended.Affected, MembersTotal: ended.Members},
	}, nil
}

func policyOf(p team.Policy) contract.TeamPolicy {
	return contract.TeamPolicy{
		MaxAge: optional(int(p.MaxAge / time.Second)), Idle: optional(int(p.Idle / time.Second)),
		RequiredProviders: append(contract.PolicyProviders{}, p.RequiredProviders...),
		AnyOf:             append(contract.PolicyAnyOf{}, p.AnyOf...),
		AllowedNetworks:   each(p.AllowedNetworks, netip.Prefix.String),
		Exclusive:         p.Exclusive, RequireFreshForAdmin: p.RequireFreshForAdmin,
	}
}

func (s *Server) endedOf(ctx context.Context, e revocation.Result[teamsession.Listed], dryRun bool) contract.EndedTeamSessions {
	now := s.Now()
	return contract.EndedTeamSessions{
		DryRun: dryRun, AsOf: asOf(e.AsOf, dryRun), Count: e.Count, Skipped: e.Skipped, Ids: append([]identity.ID{}, e.IDs...),
		Sessions: each(e.Sessions, func(l teamsession.Listed) contract.TeamSession {
			return s.teamSessionOf(l, isCurrent(ctx, l.SessionID), now)
		}),
	}
}
